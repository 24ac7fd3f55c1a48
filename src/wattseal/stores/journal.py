"""What both databases' journals have in common: the reads, the queue's bound, the memory of answers."""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from wattseal.base.errors import StoreError
from wattseal.base.ids import Origin, StationId, Subject, TenantId
from wattseal.flow.ports import (
    Batch,
    Committed,
    KeptBill,
    KeptItem,
    KeptPosting,
    KeptSession,
    Outgoing,
    Put,
    RowsWanted,
)
from wattseal.model.ledger import Balance
from wattseal.model.rollup import RolledUp, RollupKey, SessionState
from wattseal.stores import ledger, queries, rollups, touches
from wattseal.stores.answers import Answers, Look
from wattseal.stores.touches import Touch

QUEUE_BATCHES: Final = 4096
"""So many batches may wait for the disk; beyond that those of `commit` wait for room, in their order."""
PROBE_INTERVAL_S: Final = 1.0
"""How often a failed store is tried again."""

Work = tuple[Batch | None, asyncio.Future[Committed], int]
"""A batch to commit, who waits for it, and how many losses were known of when it was made.

A batch of None asks that everything committed can be read from the tables. What was made before its maker could know
of a loss may be built on what was lost, and fails like it: a chain never goes on behind a record that is not there.
"""
Outcome = Committed | StoreError

T = TypeVar("T")


class BaseJournal(ABC):
    """A `Journal` but for opening, writing and fetching rows. Belongs to the event loop it was made in."""

    def __init__(self, queue_batches: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._room = queue_batches
        self._crowd: deque[Work] = deque()
        self._losses = 0
        self._answers = Answers()
        self._keys = Answers()
        self._closed = False
        self._followers: list[Callable[[Batch], None]] = []
        self._doubters: list[Callable[[], None]] = []

    def follow(self, told: Callable[[Batch], None]) -> None:
        """Have `told` called in the event loop with every batch that became durable; it is quick and never fails."""
        self._followers.append(told)

    def doubt(self, told: Callable[[], None]) -> None:
        """Have `told` called in the event loop when a batch has failed, and when the store works again after that.

        From then on only the journal says what is true: what memory knows may rest on what was lost, or lack what
        reached the disk all the same. Batches made before `told` was called fail.
        """
        self._doubters.append(told)

    @property
    def healthy(self) -> bool:
        """Whether commits succeed at present."""
        return self._failure() is None and not self._closed

    @abstractmethod
    def _failure(self) -> StoreError | None:
        """Return why writes fail at present."""

    @abstractmethod
    def _queue(self, work: Work) -> None:
        """Take work to be told to `_resolve` later."""

    @abstractmethod
    async def _read(
        self, sql: str, parameters: Sequence[Any], read: Callable[[Sequence[Any]], T], *looks_at: Touch
    ) -> tuple[T, ...]:
        """Run a statement of `queries` and return its rows as `read` has them.

        `looks_at` names what can make a difference to it: of everything else what is committed need not be seen.
        """

    def _index(self, wanted: RowsWanted) -> str:
        """Return what to tell the database about which index to walk; "" where it knows by itself."""
        del wanted
        return ""

    async def commit(self, batch: Batch) -> Committed:
        """See `Journal.commit`."""
        if self._closed:
            raise closed()
        failure = self._failure()
        if failure is not None:
            raise again(failure)
        return await self._submit(batch)

    def submit(self, batch: Batch) -> asyncio.Future[Committed] | None:
        """See `Journal.submit`."""
        if self._room <= 0 or self._closed or self._failure() is not None:
            return None
        return self._submit(batch)

    def _submit(self, batch: Batch | None) -> asyncio.Future[Committed]:
        """Queue a batch, behind those that wait for room; readers do not wait for it."""
        done: asyncio.Future[Committed] = self._loop.create_future()
        work = (batch, done, self._losses)
        if self._room <= 0 and batch is not None:
            self._crowd.append(work)
        else:
            self._room -= 1
            self._queue(work)
        return done

    def _resolve(self, outcomes: Sequence[tuple[Work, Outcome]], losses: int) -> None:
        """Tell a group what became of it, in the event loop; before that, whose memory there was a loss to."""
        if losses != self._losses:
            self._losses = losses
            for doubts in self._doubters:
                doubts()
        for (batch, done, _), outcome in outcomes:
            if batch is not None:
                self._note(batch, outcome)
            if done.done():
                continue
            if isinstance(outcome, StoreError):
                done.set_exception(again(outcome))
            else:
                done.set_result(outcome)
        self._room += len(outcomes)
        self._let_in()

    def _note(self, batch: Batch, outcome: Outcome) -> None:
        """Follow in memory what became of a batch; one that failed may be on the disk all the same."""
        for posting in batch.postings:
            self._keys.note((batch.tenant, "", posting.key))
        if isinstance(outcome, StoreError):
            for dedup in batch.dedups:
                self._answers.note((batch.tenant, dedup.station_id, dedup.key))
            return
        for dedup in batch.dedups:
            self._answers.keep((batch.tenant, dedup.station_id, dedup.key), dedup.answer)
        for told in self._followers:
            told(batch)

    def _let_in(self) -> None:
        """Queue what waits for room as far as there is any, in its order."""
        while self._crowd and self._room > 0:
            self._room -= 1
            self._queue(self._crowd.popleft())

    def _turn_away(self) -> None:
        """Tell those who still wait for room that the journal is closed."""
        while self._crowd:
            _, done, _ = self._crowd.popleft()
            if not done.done():
                done.set_exception(closed())

    async def items(
        self, tenant: TenantId, origin: Origin, stream: int, start: tuple[int, int] = (0, 0), limit: int = 1000
    ) -> tuple[KeptItem, ...]:
        """See `Journal.items`."""
        return await self._read(
            queries.CHAIN, (tenant, origin, stream, *start, limit), queries.kept, *touches.chain(tenant, origin, stream)
        )

    async def items_by_subject(self, tenant: TenantId, subject: Subject) -> tuple[KeptItem, ...]:
        """See `Journal.items_by_subject`."""
        return await self._read(queries.BY_SUBJECT, (tenant, subject), queries.kept, *touches.subject(tenant, subject))

    async def replay(self, tenant: TenantId, after: int = 0, limit: int = 1000) -> tuple[KeptItem, ...]:
        """See `Journal.replay`."""
        return await self._read(queries.REPLAY, (tenant, after, limit), queries.kept, *touches.ITEMS)

    async def chain_head(self, tenant: TenantId, origin: Origin, stream: int) -> KeptItem | None:
        """See `Journal.chain_head`."""
        looks_at = touches.chain(tenant, origin, stream)
        return next(iter(await self._read(queries.CHAIN_HEAD, (tenant, origin, stream), queries.kept, *looks_at)), None)

    async def leaves(self, tenant: TenantId, start: int = 0, limit: int = 1000) -> tuple[bytes, ...]:
        """See `Journal.leaves`."""
        looks_at = touches.leaves(tenant, start, limit)
        return await self._read(queries.LEAVES, (tenant, start, limit), _first, *looks_at)

    async def log_size(self, tenant: TenantId) -> int:
        """See `Journal.log_size`."""
        (size,) = await self._read(queries.LOG_SIZE, (tenant,), _first, *touches.log(tenant))
        return int(size)

    async def document(self, tenant: TenantId, kind: str, key: str) -> Put | None:
        """See `Journal.document`."""
        looks_at = touches.document(tenant, kind, key)
        return next(iter(await self._read(queries.DOCUMENT, (tenant, kind, key), queries.document, *looks_at)), None)

    async def documents(
        self,
        tenant: TenantId,
        kind: str,
        *,
        station_id: StationId | None = None,
        active: bool | None = None,
        after: str = "",
        limit: int = 100,
        newest: bool = False,
    ) -> tuple[Put, ...]:
        """See `Journal.documents`."""
        sql, parameters = queries.documents_query(
            tenant, kind, station_id=station_id, active=active, after=after, limit=limit, newest=newest
        )
        return await self._read(sql, parameters, queries.document, *touches.documents(tenant, kind))

    async def answer(self, tenant: TenantId, station_id: StationId, key: str) -> bytes | None:
        """See `Journal.answer`."""
        found = self._answers.get((tenant, station_id, key))
        match found:
            case bytes():
                return found
            case Look.NEVER:
                return None
            case _:
                asked = tenant, station_id, key
                return next(iter(await self._read(queries.ANSWER, asked, _first, *touches.ANSWERS)), None)

    async def outbox(
        self, tenant: TenantId, due_at_ms: int, limit: int = 100, *, after_ms: int = -1
    ) -> tuple[Outgoing, ...]:
        """See `Journal.outbox`."""
        parameters = tenant, due_at_ms, limit, after_ms
        return await self._read(queries.OUTBOX, parameters, queries.outgoing, *touches.OUTBOX)

    async def posting(self, tenant: TenantId, key: str) -> KeptPosting | None:
        """See `Journal.posting`."""
        if self._keys.get((tenant, "", key)) is Look.NEVER and not self._closed:
            return None
        found = await self._read(ledger.POSTING, (tenant, key), tuple, *touches.LEDGER)
        return next(iter(ledger.kept_postings(found)), None)

    async def postings(
        self, tenant: TenantId, *, account: str | None = None, after: int = 0, limit: int = 1000
    ) -> tuple[KeptPosting, ...]:
        """See `Journal.postings`."""
        sql, parameters = ledger.postings_query(tenant, account, after, limit)
        return ledger.kept_postings(await self._read(sql, parameters, tuple, *touches.LEDGER))

    async def balances(
        self, tenant: TenantId, *, prefix: str = "", after: str = "", limit: int = 1000
    ) -> tuple[Balance, ...]:
        """See `Journal.balances`."""
        sql, parameters = ledger.balances_query(tenant, prefix, after, limit)
        return await self._read(sql, parameters, ledger.balance, *touches.LEDGER)

    async def sessions(self, tenant: TenantId, wanted: RowsWanted) -> tuple[KeptSession, ...]:
        """See `Journal.sessions`."""
        sql, parameters = rollups.sessions_query(tenant, wanted, self._index(wanted))
        return await self._read(sql, parameters, rollups.kept_session, *touches.sessions(tenant))

    async def bills(self, tenant: TenantId, wanted: RowsWanted) -> tuple[KeptBill, ...]:
        """See `Journal.bills`."""
        sql, parameters = rollups.bills_query(tenant, wanted)
        return await self._read(sql, parameters, rollups.kept_bill, *touches.bills(tenant))

    async def session_counts(self, tenant: TenantId) -> Mapping[SessionState, int]:
        """See `Journal.session_counts`."""
        (is_open,) = await self._read(rollups.OPEN, (tenant,), _first, *touches.SUMS)
        (ended,) = await self._read(rollups.ENDED, (tenant,), tuple, *touches.SUMS)
        return dict(zip(SessionState, (int(is_open), *map(int, ended)), strict=True))

    async def rollups(
        self,
        tenant: TenantId,
        bounds_ms: Sequence[int],
        *,
        stations: Sequence[str] | None = None,
        parties: Sequence[str] | None = None,
    ) -> tuple[RolledUp, ...]:
        """See `Journal.rollups`."""
        if () in (stations, parties):
            return ()
        asked = rollups.rollups_query(tenant, bounds_ms, stations, parties)
        return asked.rolled_up(await self._read(asked.sql, asked.parameters, tuple, *touches.SUMS))

    async def all_sums(
        self, tenant: TenantId, after: RollupKey | None = None, limit: int = 1000
    ) -> tuple[tuple[RollupKey, tuple[int, ...]], ...]:
        """See `Journal.all_sums`."""
        parameters = (tenant, *(after or rollups.BEFORE_ALL), limit)
        return await self._read(rollups.ALL_SUMS, parameters, rollups.kept_sums, *touches.SUMS)


def closed() -> StoreError:
    """Return what a closed journal says."""
    return StoreError("the journal is closed", code="store_closed")


def again(error: StoreError) -> StoreError:
    """Return a copy to raise: one instance raised for many would gather all their tracebacks."""
    return StoreError(str(error), code=error.code, subject=error.subject)


def behind_a_loss() -> StoreError:
    """Return what is said of a batch that may be built on one that failed."""
    text = "what came before this could not be stored, and this may be built on it; say it again"
    return StoreError(text, code="behind_a_loss", subject="journal")


def _first(row: Sequence[Any]) -> Any:
    return row[0]
