"""OCPP frames as they went over the wire, both directions: a SQLite file of its own, for looking things up.

Frames are no records: nothing waits for them. Whoever sends or receives one puts it in a bounded queue and goes on; a
thread writes them by the batch. While the queue is full frames are dropped and counted. What is older or more than
allowed is deleted, the oldest first. Blanks that only fill a frame up are left out.
"""

import logging
import sqlite3
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from wattseal.base.errors import StoreError
from wattseal.rules.secrets import HIDDEN, may_hold_secrets, without_secrets
from wattseal.stores.frame_queries import Frame, FrameQuery, before, connect, read_frame, used
from wattseal.stores.sqlite_tables import insert
from wattseal.wire.ocpp.blanks import without_blanks
from wattseal.wire.ocpp.rpc import Call, Event, Ignored, Violation

MAX_QUEUED: Final = 50_000
MAX_QUEUED_BYTES: Final = 64 * 1024 * 1024
BATCH: Final = 20_000
WRITE_INTERVAL_S: Final = 1.0
"""How long frames wait for others to be written with, unless somebody looks for one: the more, the less each costs."""
TRIM_INTERVAL_S: Final = 60.0
PAIRED: Final = 20_000
"""Calls remembered until their answer comes, which does not name the action."""
_UNKNOWN: Final = "GetVariables"
"""An answer to nobody knows what is searched for secrets as one to this would be."""
_LOGGER = logging.getLogger("wattseal.frames")
_TABLE: Final = "frames (at_ms, station_id, outgoing, type, action, message_id, code, note, frame)"
_CALLS, _ERRORS, _WORDED = frozenset({2, 6}), frozenset({4, 5}), frozenset({2, 4, 5, 6})


class _Head(msgspec.Struct, array_like=True, gc=False):
    """How a frame begins."""

    kind: int
    message_id: str
    third: msgspec.Raw
    fourth: msgspec.Raw = msgspec.Raw(b"null")


_HEAD: Final = msgspec.json.Decoder(_Head)
_TEXT: Final = msgspec.json.Decoder(str)

Told = tuple[int | None, str | None, str | None, str | None, str | None]
"""Type, message id, action, error code and note of a frame, as far as they can be read."""
MAX_WORD: Final = 255
Taken = tuple[datetime, str, bytes, Event | None]
"""When, the station, the frame, and what was made of one that came in; None for one that went out."""


class FrameStore:
    """Keeps frames for `days` days and within `max_bytes`."""

    def __init__(self, path: Path, now: Callable[[], datetime], days: float, max_bytes: int) -> None:
        """Open or make the file and start writing."""
        self._path = path
        self._now = now
        self._kept_ms = int(days * 86_400_000)
        self._max_bytes = max_bytes
        self._queue: deque[Taken] = deque()
        self._bytes_in = self._bytes_out = 0
        self._taken = self._done = 0
        self.dropped = 0
        self._pairs: OrderedDict[tuple[str, bool, str], str] = OrderedDict()
        self._stopping = False
        self._wanted = threading.Event()
        self._written = threading.Condition()
        connect(path).close()
        path.chmod(0o600)
        self._thread = threading.Thread(target=self._run, name="frames", daemon=True)
        self._thread.start()

    @classmethod
    def open(cls, path: Path, now: Callable[[], datetime], *, days: float, max_bytes: int) -> Self:
        """Return the store of a file."""
        return cls(path, now, days, max_bytes)

    def take(self, station_id: str, frame: bytes, event: Event | None) -> None:
        """Keep a frame: it came in where `event` says what was made of it, else it went out. Never waits."""
        if len(self._queue) >= MAX_QUEUED or self._bytes_in - self._bytes_out > MAX_QUEUED_BYTES:
            self.dropped += 1
            return
        frame = without_blanks(frame)
        self._bytes_in += len(frame)
        self._taken += 1
        self._queue.append((self._now(), station_id, frame, event))

    def find(self, query: FrameQuery) -> tuple[list[Frame], int | None]:
        """Return frames in the order they went, and the cursor of the next page. Not in an event loop."""
        self.flush()
        connection = connect(self._path)
        try:
            return query.run(connection)
        except sqlite3.Error as error:
            raise StoreError(f"frames cannot be read: {error}", subject="frames") from error
        finally:
            connection.close()

    def get(self, number: int) -> Frame | None:
        """Return one frame. Not in an event loop."""
        self.flush()
        connection = connect(self._path)
        try:
            row = connection.execute("SELECT * FROM frames WHERE id = ?", (number,)).fetchone()
        finally:
            connection.close()
        return None if row is None else read_frame(row)

    def flush(self) -> None:
        """Wait until what was taken so far can be found. Not in an event loop."""
        wanted = self._taken
        self._wanted.set()
        with self._written:
            self._written.wait_for(lambda: self._done >= wanted or not self._thread.is_alive(), timeout=10)

    def close(self) -> None:
        """Write what is queued, and stop. Not in an event loop."""
        self._stopping = True
        self._wanted.set()
        self._thread.join()

    def _run(self) -> None:
        connection = connect(self._path)
        trimmed_ms = 0
        try:
            while True:
                self._wanted.wait(WRITE_INTERVAL_S)
                self._wanted.clear()
                stopping = self._stopping
                try:
                    self._write_all(connection)
                    now_ms = int(self._now().timestamp() * 1000)
                    if now_ms - trimmed_ms >= TRIM_INTERVAL_S * 1000:
                        self._trim(connection, now_ms)
                        trimmed_ms = now_ms
                except sqlite3.Error as error:
                    with suppress(sqlite3.Error):
                        connection.execute("ROLLBACK")
                    _LOGGER.warning("frames_not_kept %s", error)
                    self._drop()
                with self._written:
                    self._written.notify_all()
                if stopping:
                    return
        finally:
            connection.close()

    def _write_all(self, connection: sqlite3.Connection) -> None:
        while batch := self._next():
            try:
                connection.execute("BEGIN")
                insert(connection, _TABLE, [self._row(taken) for taken in batch])
                connection.execute("COMMIT")
            except sqlite3.Error:
                self.dropped += len(batch)
                raise
            finally:
                self._done += len(batch)

    def _next(self) -> list[Taken]:
        """Take the oldest out of the queue, to which others append meanwhile."""
        batch = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
        self._bytes_out += sum(len(taken[2]) for taken in batch)
        return batch

    def _drop(self) -> None:
        """Give up what is queued: the disk takes nothing."""
        while batch := self._next():
            self.dropped += len(batch)
            self._done += len(batch)

    def _row(self, taken: Taken) -> tuple[Any, ...]:
        at, station_id, frame, event = taken
        if type(event) is Call:
            told: Told = (2, event.message_id, event.action[:MAX_WORD], None, None)
            self._pair(station_id, event.message_id, event.action[:MAX_WORD], outgoing=False)
        else:
            told = self._told(station_id, frame, outgoing=event is None)
        kind, message_id, action, code, note = told
        kept = _kept(action, kind, frame)
        match event:
            case Violation():
                note = event.refusal.text
            case Ignored():
                note = f"ignored: {event.reason}"
            case _:
                pass
        return int(at.timestamp() * 1000), station_id, event is None, kind, action, message_id, code, note, kept

    def _told(self, station_id: str, frame: bytes, *, outgoing: bool) -> Told:
        try:
            head = _HEAD.decode(frame)
            kind, message_id = head.kind, head.message_id[:MAX_WORD]
            word = _TEXT.decode(head.third)[:MAX_WORD] if kind in _WORDED else None
            text = _TEXT.decode(head.fourth) if kind in _ERRORS else None
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return None, None, None, None, None
        if kind in _CALLS:
            if kind == 2 and word is not None:
                self._pair(station_id, message_id, word, outgoing=outgoing)
            return kind, message_id, word, None, None
        action = self._pairs.pop((station_id, not outgoing, message_id), None)
        return kind, message_id, action, word, text

    def _pair(self, station_id: str, message_id: str, action: str, *, outgoing: bool) -> None:
        self._pairs[station_id, outgoing, message_id] = action
        if len(self._pairs) > PAIRED:
            self._pairs.popitem(last=False)

    def _trim(self, connection: sqlite3.Connection, now_ms: int) -> None:
        connection.execute("DELETE FROM frames WHERE id <= ?", (before(connection, now_ms - self._kept_ms),))
        while used(connection) > self._max_bytes:
            oldest = "SELECT id FROM frames ORDER BY id LIMIT 1000"
            if connection.execute(f"DELETE FROM frames WHERE id IN ({oldest})").rowcount == 0:  # noqa: S608 - constant
                return


def _kept(action: str | None, kind: int | None, frame: bytes) -> str:
    """Return a frame as it may be kept: secrets hidden, one that cannot be read kept only if it can hold none."""
    if action is None and kind in {3, None} and may_hold_secrets(frame):
        action = _UNKNOWN
    try:
        shown = frame if action is None else without_secrets(action, frame)
    except (msgspec.MsgspecError, RecursionError):
        return HIDDEN
    return shown.decode("utf-8", "replace")
