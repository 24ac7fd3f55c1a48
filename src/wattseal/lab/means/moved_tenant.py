"""A database in which everything belongs to another tenant than the one that the process serves."""

import hashlib
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

OTHER = "elsewhere"
_BESIDE = ("frames.sqlite3", "requests.sqlite3", "log")
"""What a data directory holds of its one tenant beside the journal."""


def move(data: Path) -> int:
    """Give every row of a stopped CSMS to the other tenant and return how many there are."""
    for name in _BESIDE:
        for path in data.glob(f"{name}*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    with closing(sqlite3.connect(data / "journal.sqlite3", isolation_level=None)) as database, _untriggered(database):
        for table in _tables(database):
            database.execute(f"UPDATE {table} SET tenant_id = ?", (OTHER,))  # noqa: S608 - names of the schema
        return sum(database.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in _tables(database))  # noqa: S608


@contextmanager
def _untriggered(database: sqlite3.Connection) -> Iterator[None]:
    """Take the triggers away meanwhile: they refuse what no product does."""
    triggers = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        database.execute(f"DROP TRIGGER {name}")
    yield
    for _, sql in triggers:
        database.execute(sql)


def _tables(database: sqlite3.Connection) -> list[str]:
    tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return sorted(t for t in tables if "tenant_id" in {row[1] for row in database.execute(f"PRAGMA table_info({t})")})


def fingerprint(data: Path) -> str:
    """Return a digest over every row of the other tenant."""
    digest = hashlib.sha256()
    with closing(sqlite3.connect(f"file:{data / 'journal.sqlite3'}?mode=ro", uri=True)) as database:
        for table in _tables(database):
            rows = database.execute(f"SELECT * FROM {table} WHERE tenant_id = ?", (OTHER,))  # noqa: S608 - same
            for row in sorted(map(repr, rows)):
                digest.update(row.encode())
    return digest.hexdigest()
