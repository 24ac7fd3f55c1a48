"""What a witness remembers: one file a log, the latest checkpoint it cosigned, just as monitors may read it.

Layout below the directory: `logs/<hex SHA-256 of the origin>/checkpoint`, `keys/witness.pem` (0600), `vkey` (its
public half with its name), `trusted-logs` (a vkey a line), `lock`. All calls block on the disk.
"""

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from wattseal.base.errors import ConfigError, InputError, StoreError
from wattseal.log import note
from wattseal.log.checkpoint import SignedCheckpoint
from wattseal.log.keys import SignatureType, SigningKey, VerifierKey
from wattseal.log.witness import logs_by_origin, origin_hash
from wattseal.model.verdict import Verdict
from wattseal.stores.files import write_durably

_LOGS = "trusted-logs"


class WitnessStore:
    """The state of one witness process; the lock is held until `close`, so that no second process can roll it back."""

    def __init__(self, directory: Path, key: SigningKey, lock: int) -> None:
        self.key = key
        self._directory = directory
        self._lock = lock
        self._latest: dict[str, SignedCheckpoint] = {}
        self._trusted: dict[str, tuple[VerifierKey, ...]] = {}
        self._trusted_stamp: tuple[int, int] | None = None

    @classmethod
    def open(cls, directory: Path, new_key: SigningKey, *, name: str | None = None) -> Self:
        """Open the state in `directory`, or begin it with `new_key`.

        `ConfigError` where another process has it open, or where its key bears another name than `name` asks for.
        """
        directory.mkdir(parents=True, exist_ok=True)
        lock = _lock(directory)
        try:
            key = _key(directory, new_key, name)
        except BaseException:
            os.close(lock)
            raise
        return cls(directory, key, lock)

    def close(self) -> None:
        """Let another process have the directory."""
        os.close(self._lock)

    def latest(self, origin: str) -> SignedCheckpoint | None:
        """Return the latest checkpoint cosigned for an origin, None if there never was one.

        A file that is damaged or lacks this witness's own signature is a `StoreError`: starting over at size 0 would
        let the log rewrite its history.
        """
        if (known := self._latest.get(origin)) is not None:
            return known
        path = self._path(origin)
        try:
            signed = SignedCheckpoint.parse(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, InputError) as error:
            raise StoreError(f"{path} cannot be read: {error}", code="witness_state_damaged", subject=origin) from error
        own = note.check(signed.note, [self.key.verifier]).verdict is Verdict.VALID
        if not own or signed.checkpoint.origin != origin:
            text = f"{path} is not what this witness signed: restore it"
            raise StoreError(text, code="witness_state_damaged", subject=origin)
        self._latest[origin] = signed
        return signed

    def save(self, signed: SignedCheckpoint) -> None:
        """Remember `signed` as the latest of its origin; it is on disk when this returns."""
        write_durably(self._path(signed.checkpoint.origin), signed.encode())
        self._latest[signed.checkpoint.origin] = signed

    def published(self, hashed_origin: str) -> bytes | None:
        """Return the bytes monitors may read below a hashed origin (64 hex digits), None where there are none."""
        if len(hashed_origin) != 64 or not set(hashed_origin) <= set("0123456789abcdef"):
            return None
        try:
            return (self._directory / "logs" / hashed_origin / "checkpoint").read_bytes()
        except FileNotFoundError:
            return None

    def trust(self, keys: Iterable[VerifierKey]) -> None:
        """Add logs to those this witness cosigns for; the file `trusted-logs` holds them, a vkey a line."""
        lines = self._trusted_lines()
        new = [str(key) for keys_ in logs_by_origin(keys).values() for key in keys_ if str(key) not in lines]
        if new:
            write_durably(self._directory / _LOGS, "".join(f"{line}\n" for line in (*lines, *new)).encode())

    def trusted(self) -> dict[str, tuple[VerifierKey, ...]]:
        """Return the trusted logs by origin; the file is read again when it has changed, so no restart is needed."""
        try:
            stat = (self._directory / _LOGS).stat()
        except FileNotFoundError:
            return {}
        if (stamp := (stat.st_mtime_ns, stat.st_ino)) != self._trusted_stamp:
            try:
                self._trusted = logs_by_origin(VerifierKey.parse(line) for line in self._trusted_lines())
            except InputError as error:
                raise ConfigError(f"{_LOGS}: {error}", code="bad_trusted_logs", subject=error.subject) from error
            self._trusted_stamp = stamp
        return self._trusted

    def _trusted_lines(self) -> list[str]:
        path = self._directory / _LOGS
        lines = path.read_text().split("\n") if path.exists() else []
        return [line.strip() for line in lines if line.strip() and not line.startswith("#")]

    def _path(self, origin: str) -> Path:
        return self._directory / "logs" / origin_hash(origin) / "checkpoint"


def _lock(directory: Path) -> int:
    lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        text = f"another process uses {directory}: a witness has one process"
        raise ConfigError(text, code="directory_in_use", subject=str(directory)) from error
    return lock


def _key(directory: Path, new_key: SigningKey, name: str | None) -> SigningKey:
    """Return the witness's key. A directory with state but without key is refused, not given a new identity."""
    pem, vkey = directory / "keys" / "witness.pem", directory / "vkey"
    if not vkey.exists() and not (directory / "logs").exists():  # the vkey is written last: without it nobody was told
        pem.parent.mkdir(mode=0o700, exist_ok=True)
        write_durably(pem, new_key.to_pem(), 0o600)
        write_durably(vkey, f"{new_key.verifier}\n".encode())
    if not pem.exists():
        raise ConfigError(f"{pem} is lost: restore it from a backup", code="witness_key_lost", subject=str(pem))
    try:
        told = VerifierKey.parse(vkey.read_text().strip())
        key = SigningKey.from_pem(told.name, SignatureType.COSIGNATURE_ED25519, pem.read_bytes())
    except (OSError, InputError) as error:
        raise ConfigError(
            f"the witness's key cannot be read: {error}", code="bad_witness_key", subject=str(pem)
        ) from error
    if key.verifier != told:
        raise ConfigError(f"{vkey} is not that of {pem}: restore both", code="bad_witness_key", subject=str(vkey))
    if name is not None and key.name != name:
        text = f"this witness is called {key.name}: drop --name, or use another data directory"
        raise ConfigError(text, code="witness_name_differs", subject=name)
    return key
