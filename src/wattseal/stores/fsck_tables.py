"""What the tables themselves must hold, checked in a journal's file: triggers, and that no row belongs to nothing."""

import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from wattseal.base.text import shown
from wattseal.model.verdict import Finding
from wattseal.stores.sqlite_errors import UNREADABLE, unreadable

MAX_TOLD: Final = 3
"""Of a damaged file no more than so many faults are told."""
_SCHEMA: Final = "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type, name"
_LOOSE: Final = (
    "SELECT t.number, t.ordinal FROM transfers t LEFT JOIN postings p "
    "ON p.tenant_id = t.tenant_id AND p.number = t.number WHERE p.number IS NULL OR t.ordinal NOT BETWEEN 1 AND p.size"
)
_NUMBERS: Final = "SELECT number, key FROM postings WHERE number < 1"
_SIZES: Final = (
    "SELECT p.number FROM postings p LEFT JOIN transfers t ON t.tenant_id = p.tenant_id AND t.number = p.number "
    "GROUP BY p.tenant_id, p.number HAVING count(t.ordinal) <> p.size"
)


def demand_whole(path: Path) -> None:
    """Raise `StoreError` where the file of the journal at `path`, which nobody has open, is damaged."""
    try:
        with closing(sqlite3.connect(path)) as database:
            database.text_factory = _text
            told = [text for (text,) in database.execute(f"PRAGMA integrity_check({MAX_TOLD})") if text != "ok"]
    except UNREADABLE as error:
        raise unreadable(path, error) from error
    if told:
        raise unreadable(path, sqlite3.DatabaseError("; ".join(told)))


def check_tables(path: Path) -> tuple[Finding, ...]:
    """Return what is wrong with the tables of the journal at `path`, which nobody has open."""
    with closing(sqlite3.connect(path)) as database:
        database.text_factory = _text
        found = [*_check_schema(database)]
        loose = database.execute(_LOOSE).fetchall()
        found += [Finding("transfer_without_posting", f"transfer {number}/{ordinal}") for number, ordinal in loose]
        hidden = database.execute(_NUMBERS).fetchall()
        found += [Finding("posting_without_record", f"posting {key}", f"number {number}") for number, key in hidden]
        sizes = database.execute(_SIZES).fetchall()
        found += [Finding("transfers_missing", f"posting number {number}") for (number,) in sizes]
    return tuple(found)


def _text(data: bytes) -> str:
    """Return text of any bytes: what is none must be told of, not stop the check."""
    return data.decode(errors="replace")


def _check_schema(database: sqlite3.Connection) -> list[Finding]:
    """Compare tables, indexes and triggers with those that the migrations make."""
    with TemporaryDirectory(prefix="wattseal-schema-") as folder:
        new = Path(folder) / "journal.sqlite3"
        from wattseal.stores.migrate import migrate  # noqa: PLC0415 - alembic is only needed for this

        migrate(f"sqlite:///{new}")
        with closing(sqlite3.connect(new)) as made:
            due = {(kind, name): sql for kind, name, sql in made.execute(_SCHEMA)}
    there = {(kind, name): sql for kind, name, sql in database.execute(_SCHEMA)}
    return [
        Finding(
            "schema_differs", f"{kind} {shown(name)}", "missing" if (kind, name) not in there else "not as it was made"
        )
        for kind, name in sorted(due.keys() | there.keys())
        if due.get((kind, name)) != there.get((kind, name))
    ]
