"""What requests with an idempotency key were answered: a SQLite file of its own, kept for a day.

A key is durable before its request is worked on. So a request that a crash cut off is not worked on twice: whoever asks
again is told that its outcome is unknown.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final, Self, TypeVar

import msgspec

from wattseal.base.errors import StoreError

KEPT_MS: Final = 24 * 3600 * 1000
MAX_KEPT: Final = 50_000
"""With more keys within a day the oldest is forgotten."""
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS requests (
    key TEXT PRIMARY KEY, fingerprint BLOB NOT NULL, begun_ms INTEGER NOT NULL,
    status INTEGER, headers BLOB, body BLOB
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS requests_begun ON requests (begun_ms);
"""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answered:
    """What a request was answered; `body` is None where it was not to be kept."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes | None


class Standing(Enum):
    """Where a key stands, if not answered."""

    NEW = "new"
    RUNNING = "running"
    UNKNOWN = "unknown"
    ANOTHER = "another"


class KeptRequests:
    """Answers by key; one process at a time."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._thread = ThreadPoolExecutor(1, "kept-requests")
        self._running: set[str] = set()

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open or make the file."""
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        path.chmod(0o600)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.executescript(_SCHEMA)
        return cls(connection)

    async def begin(self, key: str, fingerprint: bytes, now_ms: int) -> Answered | Standing:
        """Begin a request, or say what became of the one with this key; ANOTHER: that one's content was another."""
        if key in self._running:
            return Standing.RUNNING
        self._running.add(key)
        found: Answered | Standing = Standing.UNKNOWN
        try:
            found = await self._run(self._begin, key, fingerprint, now_ms)
        finally:
            if found is not Standing.NEW:
                self._running.discard(key)
        return found

    async def finish(self, key: str, answered: Answered) -> None:
        """Keep the answer to a request that was begun."""
        headers = msgspec.json.encode(answered.headers)
        row = (answered.status, headers, answered.body, key)
        try:
            await self._run(self._write, "UPDATE requests SET status = ?, headers = ?, body = ? WHERE key = ?", row)
        finally:
            self._running.discard(key)

    async def release(self, key: str) -> None:
        """Forget a request that was begun and did nothing, so that it may be made again."""
        try:
            await self._run(self._write, "DELETE FROM requests WHERE key = ?", (key,))
        finally:
            self._running.discard(key)

    async def close(self) -> None:
        """Let go of the file."""
        await asyncio.to_thread(self._thread.shutdown)
        self._connection.close()

    async def _run(self, work: Callable[..., T], *arguments: object) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)
        except sqlite3.Error as error:
            raise StoreError(f"requests cannot be kept: {error}", subject="requests") from error

    def _begin(self, key: str, fingerprint: bytes, now_ms: int) -> Answered | Standing:
        run = self._connection.execute
        run("DELETE FROM requests WHERE begun_ms <= ?", (now_ms - KEPT_MS,))
        row = run("SELECT fingerprint, status, headers, body FROM requests WHERE key = ?", (key,)).fetchone()
        if row is None:
            run("INSERT INTO requests (key, fingerprint, begun_ms) VALUES (?, ?, ?)", (key, fingerprint, now_ms))
            (count,) = run("SELECT count(*) FROM requests").fetchone()
            oldest = "SELECT key FROM requests ORDER BY begun_ms LIMIT ?"
            run(f"DELETE FROM requests WHERE key IN ({oldest})", (max(0, count - MAX_KEPT),))  # noqa: S608 - constants
            return Standing.NEW
        kept, status, headers, body = row
        if kept != fingerprint:
            return Standing.ANOTHER
        if status is None:
            return Standing.UNKNOWN
        return Answered(status, msgspec.json.decode(headers, type=tuple[tuple[str, str], ...]), body)

    def _write(self, sql: str, row: tuple[object, ...]) -> None:
        self._connection.execute(sql, row)
