"""The journal on SQLite: WAL, `synchronous=FULL`, one writer thread with group commit, reader threads beside it."""

import asyncio
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from wattseal.base.errors import StoreError
from wattseal.base.ids import TenantId
from wattseal.flow.ports import Batch, Outgoing, Put, RowsWanted
from wattseal.stores import queries, touches
from wattseal.stores.answers import Answers
from wattseal.stores.documents import Documents, Unknown
from wattseal.stores.journal import PROBE_INTERVAL_S, QUEUE_BATCHES, BaseJournal, Outcome, Work, behind_a_loss, closed
from wattseal.stores.rollups import sessions_index
from wattseal.stores.sqlite_errors import DAMAGED, UNREADABLE, unreadable
from wattseal.stores.sqlite_writer import Writer, open_connection
from wattseal.stores.touches import Touch

READERS: Final = 2

T = TypeVar("T")


class SqliteJournal(BaseJournal):
    """A `Journal` in one file. Make it with `open`, in the event loop that will use it; one process at a time."""

    def __init__(self, path: Path, queue_batches: int, probe_interval_s: float) -> None:
        super().__init__(queue_batches)
        self._path = path
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._writer = Writer(path, self._resolve_later, probe_interval_s)
        try:
            self._answers, self._keys = _load_keys(path)
        except BaseException:
            self._writer.close()
            raise
        self._documents = Documents()
        self._posted: Counter[TenantId] = Counter()
        self._nothing_since: dict[TenantId, int] = {}
        self._readers = ThreadPoolExecutor(READERS, "journal-reader")
        self.doubt(self._forget)
        self.follow(self._follow_outbox)

    @classmethod
    async def open(
        cls, path: Path, *, queue_batches: int = QUEUE_BATCHES, probe_interval_s: float = PROBE_INTERVAL_S
    ) -> "SqliteJournal":
        """Open the migrated journal at `path`.

        `ConfigError` where it must be migrated first, `StoreError` where it is damaged.
        """
        try:
            return cls(path, queue_batches, probe_interval_s)
        except (*UNREADABLE, msgspec.MsgspecError) as error:
            raise unreadable(path, error) from error

    async def document(self, tenant: TenantId, kind: str, key: str) -> Put | None:
        """See `Journal.document`. This process alone writes the file, so memory knows what it wrote or read last."""
        if self._closed:
            raise closed()
        place = tenant, kind, key
        known = self._documents.get(place)
        if not isinstance(known, Unknown):
            return known
        try:
            found = await super().document(tenant, kind, key)
            self._documents.fill(place, known, found)
        finally:
            self._documents.give_up(place, known)
        return found

    async def outbox(
        self, tenant: TenantId, due_at_ms: int, limit: int = 100, *, after_ms: int = -1
    ) -> tuple[Outgoing, ...]:
        """See `Journal.outbox`. It is asked often; that nothing was posted since it was empty is known in memory."""
        posted = self._posted[tenant]
        if self._nothing_since.get(tenant) == posted and not self._closed:
            return ()
        found = await super().outbox(tenant, due_at_ms, limit, after_ms=after_ms)
        if not found and not await self._read(queries.ANY_OUTBOX, (tenant,), bool, *touches.OUTBOX):
            self._nothing_since[tenant] = posted
        return found

    async def close(self) -> None:
        """See `Journal.close`."""
        if self._closed:
            return
        self._closed = True
        self._turn_away()
        await asyncio.to_thread(self._writer.close)
        await asyncio.to_thread(self._readers.shutdown)
        for connection in self._connections:
            connection.close()

    def _resolve(self, outcomes: Sequence[tuple[Work, Outcome]], losses: int) -> None:
        for (batch, _, _), outcome in outcomes:
            if batch is not None and not isinstance(outcome, StoreError):
                for put in batch.puts:
                    self._documents.written(batch.tenant, put)
        super()._resolve(outcomes, losses)

    def _forget(self) -> None:
        """Know nothing of what is in the file: what failed may have reached it all the same, and be seen only later."""
        self._documents.forget()
        self._nothing_since.clear()

    def _index(self, wanted: RowsWanted) -> str:
        return sessions_index(wanted)

    def _failure(self) -> StoreError | None:
        return self._writer.failure or (behind_a_loss() if self._writer.losses != self._losses else None)

    def _queue(self, work: Work) -> None:
        self._writer.submit(work)

    def _follow_outbox(self, batch: Batch) -> None:
        """Count what was posted once it is durable: before that nobody who reads finds it."""
        if batch.outbox:
            self._posted[batch.tenant] += 1

    def _resolve_later(self, outcomes: list[tuple[Work, Outcome]], losses: int) -> None:
        with suppress(RuntimeError):  # the loop is gone, and with it everybody who waited
            self._loop.call_soon_threadsafe(self._resolve, outcomes, losses)

    async def _read(
        self, sql: str, parameters: Sequence[Any], read: Callable[[Sequence[Any]], T], *looks_at: Touch
    ) -> tuple[T, ...]:
        if self._closed:
            raise closed()
        if self._writer.withholds(looks_at):
            await self._submit(None)
        return await self._loop.run_in_executor(self._readers, self._fetch, sql, parameters, read)

    def _fetch(self, sql: str, parameters: Sequence[Any], read: Callable[[Sequence[Any]], T]) -> tuple[T, ...]:
        try:
            rows = self._reader().execute(sql.replace("$", "?"), parameters).fetchall()
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in DAMAGED:
                raise unreadable(self._path, error) from error
            raise StoreError(f"the journal cannot be read: {error}", subject="journal") from error
        return tuple(read(row) for row in rows)

    def _reader(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self._path, timeout=30, isolation_level=None, check_same_thread=False)
            connection.execute("PRAGMA query_only=1")
            self._local.connection = connection
            self._connections.append(connection)
        return connection


def _load_keys(path: Path) -> tuple[Answers, Answers]:
    """Return which messages have an answer, and what is posted."""
    connection = open_connection(path)
    try:
        return _noted(connection, *queries.ANSWER_KEYS), _noted(connection, *queries.POSTING_KEYS)
    finally:
        connection.close()


def _noted(connection: sqlite3.Connection, count: str, keys: str) -> Answers:
    answers = Answers(connection.execute(count).fetchone()[0])
    for key in connection.execute(keys):
        answers.note(key)
    return answers
