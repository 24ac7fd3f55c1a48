"""The data directory of a process: its format number, its lock, its layout.

FORMAT          "wattseal ROLE N": whose directory this is, in which format
lock            held by the one process that works in it
journal.sqlite3 the journal (absent where it is in PostgreSQL)
frames.sqlite3  OCPP frames as they went over the wire, for as long as is set
requests.sqlite3 answers by idempotency key, for a day
uploads/        files that stations uploaded
keys/           private keys (0700, files 0600)
log/TENANT/     tiles of the transparency log
admin-token     the administrator's bearer token (0600)
RESTORED        present in a directory that came out of a backup: since when
"""

import fcntl
import os
import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from wattseal.base.errors import ConfigError, StoreError
from wattseal.base.ids import TenantId
from wattseal.stores.files import make_directory, write_durably
from wattseal.stores.keyfiles import KeyFiles
from wattseal.stores.revision import HEAD
from wattseal.stores.sqlite_errors import UNREADABLE, unreadable

FORMAT: Final = 1
"""The newest format this program reads and the one it writes."""


class DataDir:
    """An opened data directory; its lock is held until `close`."""

    def __init__(self, path: Path, role: str, lock: int) -> None:
        self.path = path
        self.role = role
        self.keys = KeyFiles(path / "keys")
        self._lock = lock

    @classmethod
    def open(cls, path: Path, role: str) -> Self:
        """Lock the directory for the program called `role` ("cpo", "edge", "emsp", ...); make it where there is none.

        `ConfigError` where it is in use, another role's, of a newer format, or somebody else's altogether.
        """
        found = read_format(path)
        if found is not None and found[0] != role:
            raise ConfigError(
                f"{path} belongs to `wattseal {found[0]}`, not to `{role}`; give each its own directory",
                code="directory_of_another",
                subject=str(path),
            )
        make_directory(path, 0o700)
        lock = _take_lock(path)
        if found is None:
            _claim(path, role)
        return cls(path, role, lock)

    @classmethod
    def existing(cls, path: Path) -> Self:
        """Lock a directory that is there, whatever its role; `ConfigError` where there is none."""
        found = read_format(path)
        if found is None:
            raise ConfigError(f"there is no data directory at {path}", code="no_data_directory", subject=str(path))
        return cls.open(path, found[0])

    @property
    def journal_file(self) -> Path:
        """Return where the SQLite journal is."""
        return self.path / "journal.sqlite3"

    @property
    def admin_token_file(self) -> Path:
        """Return where the administrator's token is."""
        return self.path / "admin-token"

    @property
    def restored(self) -> str | None:
        """Return since when (ISO 8601) this is an archive made from a backup, or None: what its owner may work in."""
        try:
            return (self.path / "RESTORED").read_text().strip()
        except FileNotFoundError:
            return None

    def refuse_archive(self) -> None:
        """Raise `ConfigError` in an archive: more was signed after its backup, and would be signed differently now."""
        if self.restored is not None:
            raise ConfigError(
                f"{self.path} is an archive restored from a backup: more was signed after it, so nothing new is signed "
                "here. Keep it for its records and proofs, and start in a new directory",
                code="archive",
                subject=str(self.path),
            )

    def log_dir(self, tenant: TenantId) -> Path:
        """Return where a tenant's tiles are; the tenant's name must be usable as a file name."""
        if not tenant or not all(c.isascii() and (c.isalnum() or c in "-_") for c in tenant):
            raise ConfigError("a tenant's name is made of A-Z, a-z, 0-9, - and _", subject=tenant)
        return self.path / "log" / tenant

    def prepare_journal(self) -> Path:
        """Create the SQLite journal or bring it to the newest schema, and return its path. Not in an event loop."""
        if schema_of(self.journal_file) != HEAD:
            from wattseal.stores.migrate import migrate  # noqa: PLC0415 - alembic is only needed for this

            migrate(f"sqlite:///{self.journal_file}")
        return self.journal_file

    def close(self) -> None:
        """Let another process have the directory."""
        os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_format(path: Path) -> tuple[str, int] | None:
    """Return (role, format) of a data directory, None where there is none yet.

    `ConfigError` for a directory of a newer format, and for one that is not wattseal's.
    """
    try:
        words = (path / "FORMAT").read_text(errors="replace").split()
    except FileNotFoundError:
        if path.exists() and {entry.name for entry in path.iterdir()} - {"lock", ".FORMAT.new"}:
            raise ConfigError(
                f"{path} is not empty and not a wattseal data directory; choose another or a new one",
                code="not_a_data_directory",
                subject=str(path),
            ) from None
        return None
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}", subject=str(path)) from error
    if len(words) != 3 or words[0] != "wattseal" or not words[2].isascii() or not words[2].isdigit():
        raise ConfigError(f"{path / 'FORMAT'} is damaged; restore it from a backup", subject=str(path))
    if int(words[2]) > FORMAT:
        raise ConfigError(
            f"{path} has data format {words[2]}, this wattseal knows formats up to {FORMAT}: it was used by a newer "
            "version. Install that one; going back is not possible",
            code="data_too_new",
            subject=str(path),
        )
    return words[1], int(words[2])


def schema_of(journal: Path) -> str | None:
    """Return the schema revision of a SQLite journal, None where there is none; `StoreError` where it is damaged."""
    if not journal.exists():
        return None
    connection = sqlite3.connect(f"{journal.absolute().as_uri()}?mode=ro", uri=True)
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except UNREADABLE as error:
        if getattr(error, "sqlite_errorcode", 0) != sqlite3.SQLITE_ERROR:
            raise unreadable(journal, error) from error
        return None  # no such table
    finally:
        connection.close()
    return None if row is None else str(row[0])


def _claim(path: Path, role: str) -> None:
    if not role.isalpha() or not role.islower():
        raise ConfigError("a role is a lower-case word", subject=role)
    write_durably(path / "FORMAT", f"wattseal {role} {FORMAT}\n".encode())


def _take_lock(path: Path) -> int:
    lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise ConfigError(
            f"another process works in {path}; stop it, or use another directory",
            code="directory_in_use",
            subject=str(path),
        ) from error
    return lock
