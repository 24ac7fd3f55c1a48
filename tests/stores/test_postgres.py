import asyncio
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from tests.stores import before_rollups, ledger_rows
from tests.stores.journal_contract import T1, T2, JournalContract, Reopen, item, posting
from tests.stores.postgres_server import Server, server
from tests.stores.rollup_contract import RollupContract

from wattseal.base.errors import ConfigError, StoreError
from wattseal.flow.ports import Batch, Journal, Put
from wattseal.stores.migrate import migrate
from wattseal.stores.postgres import PostgresJournal
from wattseal.stores.revision import HEAD
from wattseal.stores.schema import metadata


@pytest.fixture(scope="module")
def postgres() -> Iterator[Server]:
    with server() as running:
        yield running


@pytest.fixture(scope="module")
def migrated(postgres: Server) -> str:
    """Return the name of a database that has the newest schema and nothing else."""

    async def create() -> None:
        admin = await asyncpg.connect(postgres.url())
        await admin.execute("CREATE DATABASE migrated")
        await admin.close()

    asyncio.run(create())
    migrate(postgres.url("migrated"))
    return "migrated"


@pytest.fixture
async def url(postgres: Server, migrated: str) -> str:
    admin = await asyncpg.connect(postgres.url())
    await admin.execute("DROP DATABASE IF EXISTS journal WITH (FORCE)")
    await admin.execute(f"CREATE DATABASE journal TEMPLATE {migrated}")
    await admin.close()
    return postgres.url("journal")


@pytest.fixture
async def store(url: str) -> AsyncIterator[PostgresJournal]:
    journal = await PostgresJournal.open(url, queue_batches=16, probe_interval_s=0.05)
    yield journal
    await journal.close()


@pytest.fixture
async def reopen(url: str) -> AsyncIterator[Reopen]:
    opened: list[PostgresJournal] = []

    async def again(journal: Journal) -> Journal:
        await journal.close()
        opened.append(await PostgresJournal.open(url))
        return opened[-1]

    yield again
    for journal in opened:
        await journal.close()


class TestPostgres(JournalContract, RollupContract):
    pass


async def test_the_migrations_build_exactly_the_schema(url: str) -> None:
    assert await asyncio.to_thread(migrate, url) == HEAD
    engine = create_async_engine(url.replace("postgresql:", "postgresql+asyncpg:"), poolclass=NullPool)
    async with engine.connect() as connection:
        found = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync, opts={"compare_type": True}), metadata)
        )
    await engine.dispose()
    assert found == []


async def test_lists_and_sums_of_an_older_database_are_those_it_would_have(store: PostgresJournal, url: str) -> None:
    for batch in before_rollups.batches():
        await store.commit(batch)
    expected = [await before_rollups.all_kept(store, tenant) for tenant in (T1, T2)]
    older = await asyncpg.connect(url)
    for statement in (*before_rollups.DROPPED, *before_rollups.FUNCTIONS):
        await older.execute(statement)
    await older.close()
    await asyncio.to_thread(migrate, url)
    assert [await before_rollups.all_kept(store, tenant) for tenant in (T1, T2)] == expected


async def test_two_processes_on_one_database_give_dense_log_indexes(store: PostgresJournal, url: str) -> None:
    other = await PostgresJournal.open(url)
    batches = [Batch(T1, items=(item(n, leaf=True),)) for n in range(40)]
    told = await asyncio.gather(
        *((store if n % 2 else other).commit(batch) for n, batch in enumerate(batches)),
        *(other.commit(batch) for batch in batches),
    )
    assert {index for t in told for index in t.indexes.values()} == set(range(40))
    assert len(await store.leaves(T1)) == 40
    await other.close()


async def test_a_value_that_this_database_does_not_take_fails_with_what_was_made_behind_it_and_nothing_else(
    store: PostgresJournal,
) -> None:
    good = Batch(T1, puts=(Put("station", "good", 1, b"{}", 1),))
    told = await asyncio.gather(
        store.commit(Batch(T1, puts=(Put("station", "before", 1, b"{}", 1),))),
        store.commit(Batch(T1, puts=(Put("station", "nul\x00", 1, b"{}", 1),))),
        store.commit(good),
        return_exceptions=True,
    )
    assert [isinstance(each, StoreError) for each in told] == [False, True, True]
    assert await store.document(T1, "station", "before") is not None
    assert await store.document(T1, "station", "good") is None
    await store.commit(good)
    assert await store.document(T1, "station", "good") is not None
    assert store.healthy


async def test_the_database_itself_takes_no_edit_of_the_ledger(store: PostgresJournal, url: str) -> None:
    await store.commit(Batch(T1, postings=(ledger_rows.POSTING,)))
    insider = await asyncpg.connect(url)
    truncated = {table: f"TRUNCATE {table}" for table in ("postings", "transfers", "balances")}
    for name, statement in {**ledger_rows.REFUSED, **truncated}.items():
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await insider.execute(statement)
        assert await store.balances(T1) == ledger_rows.BALANCES, name
    await insider.execute(ledger_rows.OPEN)
    for statement in ledger_rows.REFUSED_OF_OPEN.values():
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await insider.execute(statement)
    await insider.execute(ledger_rows.TAKEN_OF_OPEN)
    await insider.close()
    assert (await store.postings(T1))[0].posting == ledger_rows.POSTING
    assert (await store.balances(T1, prefix="customer/"))[0].debits == 17


async def test_two_processes_post_a_key_once(store: PostgresJournal, url: str) -> None:
    other = await PostgresJournal.open(url)
    batches = [Batch(T1, postings=(posting(f"{n % 20}"),)) for n in range(80)]
    await asyncio.gather(*((store if n % 2 else other).commit(batch) for n, batch in enumerate(batches)))
    kept = await store.postings(T1)
    assert [k.number for k in kept] == list(range(1, 21))
    assert {k.posting.key for k in kept} == {f"{n}" for n in range(20)}
    assert {b.debits + b.credits for b in await other.balances(T1)} == {200}
    await other.close()


async def test_a_database_that_was_not_migrated_is_refused_with_the_remedy(postgres: Server) -> None:
    with pytest.raises(ConfigError, match="wattseal migrate"):
        await PostgresJournal.open(postgres.url())


async def test_an_unreachable_server_is_told() -> None:
    with pytest.raises(StoreError):
        await PostgresJournal.open("postgresql://postgres@127.0.0.1:1/none")
    with pytest.raises(StoreError):
        await asyncio.to_thread(migrate, "postgresql://postgres@127.0.0.1:1/none")


async def test_acknowledged_items_survive_a_server_killed_under_load(store: PostgresJournal, postgres: Server) -> None:
    acknowledged: set[int] = set()

    async def write(start: int) -> None:
        for n in range(start, start + 10_000):
            try:
                await store.commit(Batch(T1, items=(item(n, leaf=True),)))
            except StoreError:
                return
            acknowledged.add(n)

    writers = [asyncio.ensure_future(write(start * 10_000)) for start in range(4)]
    while len(acknowledged) < 50:  # noqa: ASYNC110 - progress, not an event
        await asyncio.sleep(0.01)
    await asyncio.to_thread(postgres.kill)
    await asyncio.gather(*writers)
    assert not store.healthy
    await asyncio.to_thread(postgres.start)
    for _ in range(200):
        if store.healthy:
            break
        await asyncio.sleep(0.05)
    kept = {k.item.seq for k in await store.replay(T1, limit=100_000)}
    assert acknowledged <= kept
    size = await store.log_size(T1)
    assert size == len(kept)
    told = await store.commit(Batch(T1, items=(item(99_999, leaf=True),)))
    assert told.log_size == size + 1
