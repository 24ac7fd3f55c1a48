"""The journal on PostgreSQL: the same contract, one writing task with group commit under `synchronous_commit=on`.

Several processes may share a database: whoever commits holds the tenant's advisory lock until its transaction ends, so
that log indexes stay dense and an item is stored once.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar

import asyncpg

from wattseal.base.errors import ConfigError, StoreError
from wattseal.flow.ports import Batch, Committed
from wattseal.stores.answers import Answers
from wattseal.stores.journal import PROBE_INTERVAL_S, QUEUE_BATCHES, BaseJournal, Outcome, Work, behind_a_loss, closed
from wattseal.stores.ledger import LAST_NUMBER, POSTING_COLUMNS, TRANSFER_COLUMNS, Numbering
from wattseal.stores.plan import DOCUMENT_COLUMNS, ERASE, ITEM_COLUMNS, OUTBOX_COLUMNS, Place, Plan, place_of, plan
from wattseal.stores.queries import ANSWER_KEYS, LOG_SIZE, POSTING_KEYS
from wattseal.stores.revision import HEAD
from wattseal.stores.rollups import BILL_COLUMNS, PUT_BILL, PUT_SESSION, SESSION_COLUMNS
from wattseal.stores.touches import Touch

READERS: Final = 4
TIMEOUT_S: Final = 30.0

T = TypeVar("T")

_BROKEN: Final = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.PostgresSystemError,
    asyncpg.InternalServerError,
    asyncpg.ReadOnlySQLTransactionError,
)
"""What says that the server, not the batch, is the trouble (`asyncpg.InterfaceError` is looked at more closely)."""


class PostgresJournal(BaseJournal):
    """A `Journal` in a PostgreSQL database. Make it with `open`, in the event loop that will use it."""

    def __init__(self, url: str, queue_batches: int, probe_interval_s: float) -> None:
        super().__init__(queue_batches)
        self._url = url
        self._probe_interval_s = probe_interval_s
        self._waiting: list[Work] = []
        self._lost = 0
        self._wake = asyncio.Event()
        self._trouble: StoreError | None = None
        self._connection: asyncpg.Connection
        self._pool: asyncpg.Pool
        self._task: asyncio.Task[None]

    @classmethod
    async def open(
        cls, url: str, *, queue_batches: int = QUEUE_BATCHES, probe_interval_s: float = PROBE_INTERVAL_S
    ) -> "PostgresJournal":
        """Open the migrated database at `url` (postgresql://...).

        `ConfigError` where it must be migrated first, `StoreError` where it cannot be reached.
        """
        journal = cls(url, queue_batches, probe_interval_s)
        try:
            journal._connection = await journal._connect()
            await journal._check_schema()
            journal._answers = await journal._load_keys(*ANSWER_KEYS)
            journal._keys = await journal._load_keys(*POSTING_KEYS)
            journal._pool = await asyncpg.create_pool(url, min_size=1, max_size=READERS, command_timeout=TIMEOUT_S)
        except (*_BROKEN, asyncpg.PostgresError) as error:
            raise StoreError(f"the database cannot be opened: {error}", subject="journal") from error
        journal._task = asyncio.create_task(journal._run(), name="journal-writer")
        return journal

    async def close(self) -> None:
        """See `Journal.close`."""
        if self._closed:
            return
        self._closed = True
        self._turn_away()
        self._wake.set()
        await self._task
        await self._pool.close()
        with suppress(*_BROKEN, asyncpg.InterfaceError):
            await self._connection.close(timeout=TIMEOUT_S)

    def _failure(self) -> StoreError | None:
        return self._trouble

    def _queue(self, work: Work) -> None:
        if work[0] is not None:
            self._waiting.append(work)
            self._wake.set()

    async def _read(
        self, sql: str, parameters: Sequence[Any], read: Callable[[Sequence[Any]], T], *looks_at: Touch
    ) -> tuple[T, ...]:
        del looks_at  # what is committed is in the tables
        if self._closed:
            raise closed()
        try:
            rows = await self._pool.fetch(sql, *parameters)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise StoreError(f"the journal cannot be read: {error}", subject="journal") from error
        return tuple(read(tuple(row)) for row in rows)

    async def _run(self) -> None:
        while self._waiting or not self._closed:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._probe_interval_s if self._trouble else None)
            self._wake.clear()
            group, self._waiting = self._waiting, []
            if group:
                outcomes = await self._write_all(group)
                self._resolve(outcomes, self._lost)
            elif self._trouble is not None and not self._closed:
                await self._recover()

    async def _write_all(self, group: Sequence[Work]) -> list[tuple[Work, Outcome]]:
        """Write a group; where one batch cannot be stored, halve the group until it fails alone.

        What came behind it fails too, up to what was made by somebody who knew of that: it may be built on it.
        """
        if self._trouble is not None:
            self._lost += 1
            return [(work, self._trouble) for work in group]
        late: list[tuple[Work, Outcome]] = [(work, behind_a_loss()) for work in group if work[2] != self._lost]
        if late:
            group = [work for work in group if work[2] == self._lost]
        if not group:
            return late
        try:
            async with self._connection.transaction():
                committed = await self._write([batch for batch, _, _ in group if batch is not None])
        except Exception as error:  # noqa: BLE001 - whatever went wrong, every waiter must hear of it
            if isinstance(error, _BROKEN) or self._connection.is_closed():
                code = "disk_full" if isinstance(error, asyncpg.DiskFullError) else "store_failed"
                self._trouble = StoreError(f"the journal cannot write: {error}", code=code, subject="journal")
                return late + await self._write_all(group)
            if len(group) == 1:
                self._lost += 1
                return [*late, (group[0], StoreError(f"this cannot be stored: {error}", code="unstorable"))]
            half = len(group) // 2
            return late + await self._write_all(group[:half]) + await self._write_all(group[half:])
        return late + list(zip(group, committed, strict=True))

    async def _write(self, batches: list[Batch]) -> list[Committed]:
        tenants: set[str] = {batch.tenant for batch in batches}
        sizes: dict[str, int] = {}
        for tenant in sorted(tenants):  # one order for everybody, so that nobody waits in a circle
            await self._connection.execute(_LOCK, tenant)
            sizes[tenant] = await self._connection.fetchval(LOG_SIZE, tenant)
        planned = plan(batches, sizes, await self._known(batches), await self._numbering(batches))
        await self._insert(planned)
        return planned.committed

    async def _known(self, batches: list[Batch]) -> dict[Place, int | None]:
        places = [place_of(batch.tenant, item) for batch in batches for item in batch.items]
        if not places:
            return {}
        rows = await self._connection.fetch(_KNOWN, *zip(*places, strict=True))
        return {tuple(row)[:-1]: row["log_index"] for row in rows}

    async def _numbering(self, batches: list[Batch]) -> Numbering:
        keys = {(batch.tenant, posting.key) for batch in batches for posting in batch.postings}
        if not keys:
            return Numbering()
        last: dict[str, int] = {tenant: await self._connection.fetchval(LAST_NUMBER, tenant) for tenant, _ in keys}
        rows = await self._connection.fetch(_POSTED, *zip(*keys, strict=True))
        return Numbering(last, {tuple(row) for row in rows})

    async def _insert(self, planned: Plan) -> None:
        run = self._connection
        for table, columns, added in (
            ("items", ITEM_COLUMNS, planned.items),
            ("leaves", "tenant_id, log_index, entry", planned.leaves),
            ("postings", POSTING_COLUMNS, planned.ledger.postings),
            ("transfers", TRANSFER_COLUMNS, planned.ledger.transfers),
        ):
            if added:
                await run.copy_records_to_table(table, records=added, columns=columns.split(", "))
        if planned.documents:
            kept = [row for row in planned.documents.values() if row[4]]
            if kept:
                await run.execute(_PUT, *zip(*kept, strict=True))
            await run.executemany(_REMOVED, [key for key, row in planned.documents.items() if not row[4]])
        for statement, rows in (
            (_SESSIONS, planned.sessions.values()),
            (_BILLS, planned.bills.values()),
            (_ANSWERS, [(*key, answer) for key, answer in planned.answers.items()]),
            (_OUTBOX, planned.outbox.values()),
        ):
            if rows:
                await run.execute(statement, *zip(*rows, strict=True))
        if planned.erased:
            await run.executemany(ERASE, planned.erased)
        if planned.delivered:
            await run.executemany(_DELIVERED, planned.delivered)
        if planned.retried:
            await run.executemany(_RETRIED, planned.retried)

    async def _connect(self) -> asyncpg.Connection:
        settings = {"synchronous_commit": "on", "application_name": "wattseal-journal"}
        return await asyncpg.connect(self._url, command_timeout=TIMEOUT_S, server_settings=settings)

    async def _check_schema(self) -> None:
        try:
            found = await self._connection.fetchval("SELECT version_num FROM alembic_version")
        except asyncpg.UndefinedTableError:
            found = None
        if found != HEAD:
            await self._connection.close()
            raise ConfigError(
                f"the database's schema is {found}, not {HEAD}; run `wattseal migrate`", subject="journal"
            )

    async def _load_keys(self, count: str, keys: str) -> Answers:
        answers = Answers(await self._connection.fetchval(count))
        async with self._connection.transaction():
            async for row in self._connection.cursor(keys):
                answers.note(tuple(row))
        return answers

    async def _recover(self) -> None:
        """Try whether the database takes writes again, over a new connection."""
        try:
            with suppress(*_BROKEN, asyncpg.InterfaceError):
                await self._connection.close(timeout=1)
            self._connection = await self._connect()
            await self._connection.execute("INSERT INTO probe VALUES ('', '') ON CONFLICT DO NOTHING")
            await self._connection.execute("DELETE FROM probe WHERE tenant_id = ''")
        except (*_BROKEN, asyncpg.PostgresError, asyncpg.InterfaceError):
            return
        self._lost += 1  # what failed may be in the tables all the same; what was read before that lacks it
        self._trouble = None
        self._resolve((), self._lost)


def _unnest(table: str, columns: str, types: str, conflict: str) -> str:
    arrays = ", ".join(f"${n}::{type_}[]" for n, type_ in enumerate(types.split(), 1))
    return f"INSERT INTO {table} ({columns}) SELECT * FROM unnest({arrays}) {conflict}"  # noqa: S608 - constants


_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended('wattseal-journal/' || $1, 0))"
_KNOWN: Final = (
    "SELECT tenant_id, origin, stream, epoch, seq, digest, log_index FROM items JOIN "
    "unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bytea[]) "
    "AS wanted(tenant_id, origin, stream, epoch, seq, digest) "
    "USING (tenant_id, origin, stream, epoch, seq, digest)"
)
_POSTED: Final = (
    "SELECT tenant_id, key FROM postings JOIN unnest($1::text[], $2::text[]) AS wanted(tenant_id, key) "
    "USING (tenant_id, key)"
)
_PUT: Final = _unnest(
    "documents",
    DOCUMENT_COLUMNS,
    "text text text int bytea bigint text boolean",
    "ON CONFLICT (tenant_id, kind, key) DO UPDATE SET version = excluded.version, body = excluded.body, "
    "updated_at_ms = excluded.updated_at_ms, station_id = excluded.station_id, active = excluded.active",
)
_SESSIONS: Final = _unnest(
    "sessions", SESSION_COLUMNS, "text bigint text text bigint text text text bigint bigint bigint", PUT_SESSION
)
_BILLS: Final = _unnest(
    "bills",
    BILL_COLUMNS,
    "text bigint text text text bigint text text int text bigint bigint bigint bigint boolean",
    PUT_BILL,
)
_ANSWERS: Final = _unnest(
    "answers", "tenant_id, station_id, key, answer", "text text text bytea", "ON CONFLICT DO NOTHING"
)
_OUTBOX: Final = _unnest("outbox", OUTBOX_COLUMNS, "text text text bytea bigint int", "ON CONFLICT DO NOTHING")
_REMOVED: Final = "DELETE FROM documents WHERE tenant_id = $1 AND kind = $2 AND key = $3"
_DELIVERED: Final = "DELETE FROM outbox WHERE tenant_id = $1 AND id = $2"
_RETRIED: Final = "UPDATE outbox SET next_at_ms = $1, attempts = attempts + 1 WHERE tenant_id = $2 AND id = $3"
