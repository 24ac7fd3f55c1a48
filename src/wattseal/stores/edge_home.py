"""The edge's directory: keys that never leave it, and the journal its chains live in."""

import os
from pathlib import Path

from wattseal.base.errors import ConfigError
from wattseal.crypto.hpke import SealPrivateKey
from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.seal.writer import RandomBytes
from wattseal.stores.files import write_durably
from wattseal.stores.migrate import migrate

FORMAT = 1
"""Number of the directory's layout; a higher one was written by a newer edge."""


class EdgeHome:
    """Paths and keys of one edge."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.journal = path / "edge.db"
        self._format = path / "FORMAT"
        self._sign = path / "keys" / "edge-sign.pem"
        self._seal = path / "keys" / "edge-seal.pem"
        self._memory = path / "keys" / "edge-memory.key"

    def open(self, random: RandomBytes) -> None:
        """Make the directory where there is none; bring its journal to the newest schema.

        `ConfigError` where the keys are there but the journal is gone: a chain that has forgotten where it stood must
        not be continued under the same key.
        """
        if self._format.exists() and self._format.read_text("ascii").strip() != str(FORMAT):
            raise ConfigError("written by another version of the edge: use that one", subject=str(self.path))
        if self._sign.exists() and not self.journal.exists():
            raise ConfigError(
                "the journal is gone, and a chain is not begun twice under one key: restore edge.db, or start with an "
                "empty directory and enrol its new key",
                code="journal_lost",
                subject=str(self.journal),
            )
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._sign.parent.mkdir(exist_ok=True, mode=0o700)
        migrate(f"sqlite:///{self.journal}")
        self.journal.chmod(0o600)
        if not self._sign.exists():
            write_durably(self._seal, SealPrivateKey.from_seed(random(32)).to_pem(), 0o600)
            write_durably(self._memory, random(32), 0o600)
            write_durably(self._format, f"{FORMAT}\n".encode())
            write_durably(self._sign, SigningKey.from_seed(Algorithm.ED25519, random(32)).to_pem(), 0o600)

    def sign_key(self) -> SigningKey:
        """Return the key that signs the station's records."""
        return SigningKey.from_pem(self._private(self._sign))

    def seal_key(self) -> SealPrivateKey:
        """Return the key that directories are sealed to."""
        return SealPrivateKey.from_pem(self._private(self._seal))

    def memory_key(self) -> bytes:
        """Return the key of the digests that stand for tokens in the edge's own memory."""
        return self._private(self._memory)

    @staticmethod
    def _private(path: Path) -> bytes:
        try:
            if os.name == "posix" and path.stat().st_mode & 0o077:
                raise ConfigError("others may read this key: chmod 600 it", code="key_readable", subject=str(path))
            return path.read_bytes()
        except OSError as error:
            raise ConfigError(f"cannot read the key: {error.strerror}", subject=str(path)) from error
