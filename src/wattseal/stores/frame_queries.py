"""The file of OCPP frames: its table, and how frames are found in it."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS frames (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, station_id TEXT NOT NULL COLLATE NOCASE,
    outgoing INTEGER NOT NULL, type INTEGER, action TEXT, message_id TEXT, code TEXT, note TEXT, frame TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS frames_station ON frames (station_id, id);
"""
MAX_SCANNED: Final = 100_000
"""So many frames are looked at for one page; where few pass the filters a page is short and leads on."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame. `type` is OCPP-J's message type, `action` of an answer that of its call, `code` that of an error.

    `note` says what was wrong with a frame that came in, or an error's text.
    """

    id: int
    at_ms: int
    station_id: str
    outgoing: bool
    type: int | None
    action: str | None
    message_id: str | None
    code: str | None
    note: str | None
    frame: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameQuery:
    """Frames asked for; `text` is found anywhere in a frame, `since` inclusive, `until` exclusive.

    With `newest` the latest come first, and `after` is the number below which the page begins.
    """

    limit: int
    after: int = 0
    station_id: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    action: str | None = None
    outgoing: bool | None = None
    message_id: str | None = None
    text: str | None = None
    faulty: bool | None = None
    newest: bool = False

    def run(self, connection: sqlite3.Connection) -> tuple[list[Frame], int | None]:
        """Return a page and the cursor of the next one."""
        place, bound = self._place(connection)
        order, end = ("id DESC", "min(id)") if self.newest else ("id", "max(id)")
        inner = f"SELECT * FROM frames WHERE {place} ORDER BY {order} LIMIT ?"  # noqa: S608 - constants only
        scanned = connection.execute(f"SELECT count(*), {end} FROM ({inner})", (*bound, MAX_SCANNED))  # noqa: S608
        count, last = scanned.fetchone()
        where, values = self._filter()
        sql = f"SELECT * FROM ({inner}) WHERE {where} ORDER BY {order} LIMIT ?"  # noqa: S608 - constants only
        rows = connection.execute(sql, (*bound, MAX_SCANNED, *values, self.limit)).fetchall()
        found = [read_frame(row) for row in rows]
        if len(found) == self.limit:
            return found, found[-1].id
        return found, last if count == MAX_SCANNED else None

    def _place(self, connection: sqlite3.Connection) -> tuple[str, list[Any]]:
        after = 0 if self.newest else self.after
        if self.since_ms is not None:
            after = max(after, before(connection, self.since_ms))
        place, bound = "id > ?", [after]
        if self.newest and self.after:
            place += " AND id < ?"
            bound.append(self.after)
        if self.until_ms is not None:
            place += " AND id <= ?"
            bound.append(before(connection, self.until_ms))
        if self.station_id is not None:
            return place + " AND station_id = ?", [*bound, self.station_id]
        return place, bound

    def _filter(self) -> tuple[str, list[Any]]:
        asked = (("action = ?", self.action), ("outgoing = ?", self.outgoing), ("message_id = ?", self.message_id))
        terms = [(term, value) for term, value in asked if value is not None]
        if self.text is not None:
            terms.append(("instr(frame, ?) > 0", self.text))
        where = " AND ".join(term for term, _ in terms) or "1"
        if self.faulty is not None:
            where += f" AND {'' if self.faulty else 'NOT '}(note IS NOT NULL OR code IS NOT NULL)"
        return where, [value for _, value in terms]


def before(connection: sqlite3.Connection, at_ms: int) -> int:
    """Return the number of the last frame before a time: frames are numbered in the order of time."""
    low, high = connection.execute("SELECT coalesce(min(id), 0) - 1, coalesce(max(id), 0) FROM frames").fetchone()
    while low < high:
        middle = (low + high + 1) // 2
        sql = "SELECT id, at_ms FROM frames WHERE id <= ? ORDER BY id DESC LIMIT 1"
        row = connection.execute(sql, (middle,)).fetchone()
        if row is None or row[1] < at_ms:
            low = middle
        else:
            high = row[0] - 1
    return int(low)


def read_frame(row: Any) -> Frame:
    """Return the frame of a row."""
    number, at_ms, station_id, outgoing, kind, action, message_id, code, note, frame = row
    return Frame(number, at_ms, station_id, bool(outgoing), kind, action, message_id, code, note, frame)


def used(connection: sqlite3.Connection) -> int:
    """Return how many bytes of the file are in use."""
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    return int((pages - free) * size)


def connect(path: Path) -> sqlite3.Connection:
    """Open the file, making it where there is none. What it holds may be lost with the power, not be damaged."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=30, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.executescript(SCHEMA)
    return connection
