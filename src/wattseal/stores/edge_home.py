"""The edge's directory: keys that never leave it, and the journal its chains live in."""

from pathlib import Path
from types import TracebackType
from typing import Final, Self

from wattseal.base.errors import ConfigError
from wattseal.crypto.hpke import SealPrivateKey
from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.flow.ports import Random
from wattseal.stores.datadir import FORMAT, DataDir
from wattseal.stores.files import write_durably

ROLE: Final = "edge"
SIGN, SEAL, MEMORY = "edge-sign.pem", "edge-seal.pem", "edge-memory.key"
KEY_BYTES: Final = 32
_REMEDY: Final = "start with an empty directory, and have its new key enrolled"
_PROVISIONED: Final = frozenset({"keys", "directory", "password", "trust.json"})
"""What may lie in a new directory beforehand: keys that were made and enrolled elsewhere, and what belongs to them."""


class EdgeHome:
    """Paths and keys of one edge; holds the directory's lock while open."""

    def __init__(self, data: DataDir, random: Random) -> None:
        self.path = data.path
        self._data = data
        self._random = random

    @classmethod
    def open(cls, path: Path, random: Random) -> Self:
        """Open the directory, made where there is none, with its journal at the newest schema. Not in an event loop.

        `ConfigError` where the keys have signed but the journal is gone, or is an older one out of a backup: a chain
        that has forgotten where it stood must not go on under the same key.
        """
        if path.is_dir() and not (path / "FORMAT").exists():
            names = {entry.name for entry in path.iterdir()}
            if names and names <= _PROVISIONED:
                write_durably(path / "FORMAT", f"wattseal {ROLE} {FORMAT}\n".encode())
        data = DataDir.open(path, ROLE)
        try:
            home = cls(data, random)
            home._prepare()
        except BaseException:
            data.close()
            raise
        return home

    def _prepare(self) -> None:
        data = self._data
        if MEMORY in data.keys.names() and not data.journal_file.exists():
            raise ConfigError(f"the journal is gone: {_REMEDY}", code="journal_lost", subject=str(data.journal_file))
        if data.restored is not None:
            raise ConfigError(f"restored from a backup: {_REMEDY}", code="restored", subject=str(data.path))
        data.prepare_journal()
        data.journal_file.chmod(0o600)
        self.sign_key()
        self.seal_key()
        self.memory_key()

    @property
    def journal(self) -> Path:
        """Where the journal is."""
        return self._data.journal_file

    def sign_key(self) -> SigningKey:
        """Return the key that signs the station's records."""
        return SigningKey.from_pem(self._data.keys.load_or_create(SIGN, self._new_sign_key))

    def seal_key(self) -> SealPrivateKey:
        """Return the key that directories are sealed to."""
        return SealPrivateKey.from_pem(self._data.keys.load_or_create(SEAL, self._new_seal_key))

    def memory_key(self) -> bytes:
        """Return the key of the digests that stand for tokens in the edge's own memory."""
        key = self._data.keys.load_or_create(MEMORY, lambda: self._random.bytes(KEY_BYTES))
        if len(key) != KEY_BYTES:
            text = f"{MEMORY} is damaged: put it back from an export, or {_REMEDY}"
            raise ConfigError(text, code="bad_key", subject=str(self._data.keys.directory / MEMORY))
        return key

    def _new_sign_key(self) -> bytes:
        return SigningKey.from_seed(Algorithm.ED25519, self._random.bytes(32)).to_pem()

    def _new_seal_key(self) -> bytes:
        return SealPrivateKey.from_seed(self._random.bytes(32)).to_pem()

    def close(self) -> None:
        """Let go of the directory."""
        self._data.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
