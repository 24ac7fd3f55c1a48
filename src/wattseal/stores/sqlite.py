"""The journal on SQLite: WAL, `synchronous=FULL`, one writer thread with group commit, reader threads beside it."""

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeVar

from wattseal.base.errors import StoreError
from wattseal.base.ids import Origin, StationId, Subject, TenantId
from wattseal.flow.ports import Batch, Committed, KeptItem, Outgoing, Put
from wattseal.stores import queries
from wattseal.stores.answers import Answers, Look
from wattseal.stores.sqlite_writer import PROBE_INTERVAL_S, Outcome, Work, Writer, open_connection

QUEUE_BATCHES: Final = 4096
"""So many batches may wait for the disk; beyond that `commit` waits before it queues."""
READERS: Final = 2

T = TypeVar("T")


class SqliteJournal:
    """A `Journal` in one file. Make it with `open`, from the event loop that will use it."""

    def __init__(self, path: Path, queue_batches: int, probe_interval_s: float) -> None:
        self._path = path
        self._loop = asyncio.get_running_loop()
        self._room = queue_batches
        self._crowd: deque[asyncio.Future[None]] = deque()
        self._closed = False
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._writer = Writer(path, self._resolve_later, probe_interval_s)
        self._answers = self._load_answers()
        self._readers = ThreadPoolExecutor(READERS, "journal-reader")

    @classmethod
    async def open(
        cls, path: Path, *, queue_batches: int = QUEUE_BATCHES, probe_interval_s: float = PROBE_INTERVAL_S
    ) -> "SqliteJournal":
        """Open the migrated journal at `path`; `ConfigError` where it must be migrated first."""
        return cls(path, queue_batches, probe_interval_s)

    @property
    def healthy(self) -> bool:
        """Whether commits succeed at present."""
        return self._writer.failure is None and not self._closed

    async def commit(self, batch: Batch) -> Committed:
        """See `Journal.commit`."""
        while self._room <= 0:
            turn: asyncio.Future[None] = self._loop.create_future()
            self._crowd.append(turn)
            await turn
        if self._closed:
            raise StoreError("the journal is closed", code="store_closed")
        if self._writer.failure is not None:
            raise _again(self._writer.failure)
        return await self._submit(batch)

    def _submit(self, batch: Batch | None) -> asyncio.Future[Committed]:
        self._room -= 1
        done: asyncio.Future[Committed] = self._loop.create_future()
        self._writer.submit((batch, done))
        return done

    def _resolve_later(self, outcomes: list[tuple[Work, Outcome]]) -> None:
        with suppress(RuntimeError):  # the loop is gone, and with it everybody who waited
            self._loop.call_soon_threadsafe(self._resolve, outcomes)

    def _resolve(self, outcomes: list[tuple[Work, Outcome]]) -> None:
        for (batch, done), outcome in outcomes:
            if isinstance(outcome, StoreError):
                if not done.done():
                    done.set_exception(_again(outcome))
                continue
            if batch is not None:
                for dedup in batch.dedups:
                    self._answers.keep((batch.tenant, dedup.station_id, dedup.key), dedup.answer)
            if not done.done():
                done.set_result(outcome)
        self._room += len(outcomes)
        self._let_in(min(len(self._crowd), self._room) if self.healthy else len(self._crowd))

    def _let_in(self, count: int) -> None:
        for _ in range(count):
            turn = self._crowd.popleft()
            if not turn.done():
                turn.set_result(None)

    async def items(
        self, tenant: TenantId, origin: Origin, stream: int, start: tuple[int, int] = (0, 0), limit: int = 1000
    ) -> tuple[KeptItem, ...]:
        """See `Journal.items`."""
        return await self._read(queries.CHAIN, (tenant, origin, stream, *start, limit), queries.kept)

    async def items_by_subject(self, tenant: TenantId, subject: Subject) -> tuple[KeptItem, ...]:
        """See `Journal.items_by_subject`."""
        return await self._read(queries.BY_SUBJECT, (tenant, subject), queries.kept)

    async def replay(self, tenant: TenantId, after: int = 0, limit: int = 1000) -> tuple[KeptItem, ...]:
        """See `Journal.replay`."""
        return await self._read(queries.REPLAY, (tenant, after, limit), queries.kept)

    async def chain_head(self, tenant: TenantId, origin: Origin, stream: int) -> KeptItem | None:
        """See `Journal.chain_head`."""
        return next(iter(await self._read(queries.CHAIN_HEAD, (tenant, origin, stream), queries.kept)), None)

    async def leaves(self, tenant: TenantId, start: int = 0, limit: int = 1000) -> tuple[bytes, ...]:
        """See `Journal.leaves`."""
        return await self._read(queries.LEAVES, (tenant, start, limit), _first)

    async def log_size(self, tenant: TenantId) -> int:
        """See `Journal.log_size`."""
        (size,) = await self._read(queries.LOG_SIZE, (tenant,), _first)
        return int(size)

    async def document(self, tenant: TenantId, kind: str, key: str) -> Put | None:
        """See `Journal.document`."""
        return next(iter(await self._read(queries.DOCUMENT, (tenant, kind, key), queries.document)), None)

    async def documents(
        self,
        tenant: TenantId,
        kind: str,
        *,
        station_id: StationId | None = None,
        active: bool | None = None,
        after: str = "",
        limit: int = 100,
    ) -> tuple[Put, ...]:
        """See `Journal.documents`."""
        sql, parameters = queries.documents_query(
            tenant, kind, station_id=station_id, active=active, after=after, limit=limit
        )
        return await self._read(sql, parameters, queries.document)

    async def answer(self, tenant: TenantId, station_id: StationId, key: str) -> bytes | None:
        """See `Journal.answer`."""
        found = self._answers.get((tenant, station_id, key))
        match found:
            case bytes():
                return found
            case Look.NEVER:
                return None
            case _:
                return next(iter(await self._read(queries.ANSWER, (tenant, station_id, key), _first)), None)

    async def outbox(self, tenant: TenantId, due_at_ms: int, limit: int = 100) -> tuple[Outgoing, ...]:
        """See `Journal.outbox`."""
        return await self._read(queries.OUTBOX, (tenant, due_at_ms, limit), queries.outgoing)

    async def close(self) -> None:
        """See `Journal.close`."""
        if self._closed:
            return
        self._closed = True
        await asyncio.to_thread(self._writer.close)
        self._let_in(len(self._crowd))
        await asyncio.to_thread(self._readers.shutdown)
        for connection in self._connections:
            connection.close()

    async def _read(self, sql: str, parameters: Sequence[Any], read: Callable[[Sequence[Any]], T]) -> tuple[T, ...]:
        if self._closed:
            raise StoreError("the journal is closed", code="store_closed")
        if self._writer.behind:
            await self._submit(None)
        return await self._loop.run_in_executor(self._readers, self._fetch, sql, parameters, read)

    def _fetch(self, sql: str, parameters: Sequence[Any], read: Callable[[Sequence[Any]], T]) -> tuple[T, ...]:
        try:
            rows = self._reader().execute(sql.replace("$", "?"), parameters).fetchall()
        except sqlite3.Error as error:
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

    def _load_answers(self) -> Answers:
        connection = open_connection(self._path)
        try:
            (count,) = connection.execute("SELECT count(*) FROM answers").fetchone()
            answers = Answers(count)
            for key in connection.execute("SELECT tenant_id, station_id, key FROM answers"):
                answers.note(key)
        finally:
            connection.close()
        return answers


def _again(error: StoreError) -> StoreError:
    """Return a copy to raise: one instance raised for many would gather all their tracebacks."""
    return StoreError(str(error), code=error.code, subject=error.subject)


def _first(row: Sequence[Any]) -> Any:
    return row[0]
