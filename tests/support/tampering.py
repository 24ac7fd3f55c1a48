"""What an insider does to a journal's SQLite file while it is in use: past every trigger that would refuse it."""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from wattseal.seal.item import Kind, parse_item

WRITTEN_WITHIN_S = 10
Edit = Callable[[sqlite3.Connection], int]
"""Edits, and returns how many rows it has changed."""


def tamper(journal: Path, edit: Edit) -> None:
    """Edit the file; what was committed just now is waited for."""
    deadline = time.monotonic() + WRITTEN_WITHIN_S
    while not _edited(journal, edit):
        assert time.monotonic() < deadline, "there is nothing to change"
        time.sleep(0.05)


def _edited(journal: Path, edit: Edit) -> int:
    with closing(sqlite3.connect(journal, isolation_level=None, timeout=20)) as database, _without_triggers(database):
        return edit(database)


@contextmanager
def _without_triggers(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    triggers = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        database.execute(f'DROP TRIGGER "{name}"')
    yield
    for _, statement in triggers:
        database.execute(statement)
    database.execute("COMMIT")


def another_item(session: str, kind: Kind, change: Callable[[bytes], bytes]) -> Edit:
    """Change a session's record of a kind, in place."""

    def edit(database: sqlite3.Connection) -> int:
        where = (bytes.fromhex(session), int(kind))
        row = database.execute("SELECT position, item FROM items WHERE subject = ? AND kind = ?", where).fetchone()
        if row is None:
            return 0
        changed = change(row[1])
        assert changed != row[1]
        return database.execute("UPDATE items SET item = ? WHERE position = ?", (changed, row[0])).rowcount

    return edit


def another_group(gid: int) -> Callable[[bytes], bytes]:
    """Flip the last bit of a group's content, and leave all else of the record as it was signed."""

    def change(item: bytes) -> bytes:
        box = parse_item(item).boxes[gid]
        assert isinstance(box, list)
        content = box[1] if isinstance(box[1], bytes) else box[2]
        assert isinstance(content, bytes)
        assert item.count(content) == 1
        return item.replace(content, content[:-1] + bytes([content[-1] ^ 1]))

    return change


def another_document(kind: str, key: str, **fields: object) -> Edit:
    """Write other fields into a document."""

    def edit(database: sqlite3.Connection) -> int:
        row = database.execute("SELECT body FROM documents WHERE kind = ? AND key = ?", (kind, key)).fetchone()
        if row is None:
            return 0
        body = json.dumps(json.loads(row[0]) | fields).encode()
        sql = "UPDATE documents SET body = ? WHERE kind = ? AND key = ?"
        return database.execute(sql, (body, kind, key)).rowcount

    return edit
