import asyncio
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from tests.stores import ledger_rows
from tests.stores.journal_contract import ORIGIN, S1, T1, JournalContract, Reopen, item, station
from tests.stores.rollup_contract import RollupContract

from wattseal.base.errors import ConfigError, StoreError
from wattseal.base.ids import Origin, Subject, TenantId
from wattseal.flow.ports import Batch, Dedup, Erased, Journal, Outgoing
from wattseal.stores import sqlite_writer
from wattseal.stores.journal import Work
from wattseal.stores.ledger import Numbering
from wattseal.stores.migrate import migrate
from wattseal.stores.plan import plan
from wattseal.stores.sqlite import SqliteJournal
from wattseal.stores.sqlite_tables import encode


@pytest.fixture
def path(tmp_path: Path) -> Path:
    migrate(f"sqlite:///{tmp_path / 'journal.sqlite3'}")
    return tmp_path / "journal.sqlite3"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteJournal]:
    journal = await SqliteJournal.open(path, queue_batches=16, probe_interval_s=0.02)
    yield journal
    await journal.close()


@pytest.fixture
async def reopen(path: Path) -> AsyncIterator[Reopen]:
    opened: list[SqliteJournal] = []

    async def again(journal: Journal) -> Journal:
        await journal.close()
        opened.append(await SqliteJournal.open(path))
        return opened[-1]

    yield again
    for journal in opened:
        await journal.close()


class TestSqlite(JournalContract, RollupContract):
    pass


async def test_more_commits_than_the_queue_holds_wait_and_all_succeed(store: SqliteJournal) -> None:
    await asyncio.gather(*(store.commit(Batch(T1, items=(item(n, leaf=True),))) for n in range(200)))
    assert await store.log_size(T1) == 200


async def test_commits_that_wait_for_room_hear_of_a_close(store: SqliteJournal) -> None:
    waiting = [asyncio.ensure_future(store.commit(Batch(T1, items=(item(n),)))) for n in range(100)]
    await asyncio.sleep(0)
    await store.close()
    told = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(t, StoreError) or not isinstance(t, BaseException) for t in told)


async def test_a_caller_that_gave_up_harms_nobody(store: SqliteJournal) -> None:
    gone = asyncio.ensure_future(store.commit(Batch(T1, items=(item(1),))))
    stays = asyncio.ensure_future(store.commit(Batch(T1, items=(item(2),))))
    await asyncio.sleep(0)
    gone.cancel()
    await stays
    assert len(await store.items(T1, ORIGIN, 1)) == 2


async def limit_pages(store: SqliteJournal, spare: int) -> None:
    """Let the database grow by `spare` pages only, as a full disk would."""

    def shrink() -> None:
        connection = store._writer._connection
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count={pages + spare}")

    await asyncio.to_thread(shrink)


async def healed(store: SqliteJournal) -> None:
    for _ in range(1000):
        if store.healthy:
            return
        await asyncio.sleep(0.01)
    pytest.fail("the journal did not recover")


async def test_a_full_disk_is_told_to_every_waiter_and_loses_no_acknowledged_item(store: SqliteJournal) -> None:
    await limit_pages(store, 40)
    refused = None
    acknowledged = 0
    while refused is None:
        try:
            await store.commit(Batch(T1, items=(item(acknowledged, salt=b"x" * 2000, leaf=True),)))
            acknowledged += 1
        except StoreError as error:
            refused = error
    assert refused.code == "disk_full"
    assert acknowledged > 0
    assert not store.healthy
    with pytest.raises(StoreError):
        await store.commit(Batch(T1, items=(item(10_000),)))
    await healed(store)  # the writer reopens the database, which lifts the limit: as if room had been made
    told = await store.commit(Batch(T1, items=(item(10_001, leaf=True),)))
    kept = [k.item.seq for k in await store.replay(T1, limit=20_000)]
    assert kept == [*range(acknowledged), 10_001]
    assert told.indexes == {item(10_001).payload_hash: acknowledged}


async def test_what_a_failing_disk_kept_all_the_same_is_known_once_it_works_again(
    store: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flush may fail after the bytes went out: a retry of the message must not become a second record."""
    append, whole = store._writer._append, Batch(T1, dedups=(Dedup(S1, "start", b"first"),), puts=(station("kept"),))
    asked = [await store.document(T1, "transaction", "kept"), await store.answer(T1, S1, "start")]
    assert asked == [None, None]

    def torn(blobs: list[tuple[str, bytes]]) -> None:
        append(blobs)
        monkeypatch.setattr(store._writer, "_append", append)
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
        raise error

    monkeypatch.setattr(store._writer, "_append", torn)
    doubted: list[bytes | None] = []
    store.doubt(lambda: doubted.append(None))
    with pytest.raises(StoreError):
        await store.commit(whole)
    assert await store.document(T1, "transaction", "kept") is None
    assert await store.outbox(T1, 0) == ()
    await healed(store)
    assert len(doubted) == 2
    assert await store.document(T1, "transaction", "kept") == whole.puts[0]
    assert await store.answer(T1, S1, "start") == b"first"


async def test_nothing_read_before_the_disk_worked_again_is_built_on(
    store: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, losses = store._writer, store._losses
    await limit_pages(store, 0)
    with pytest.raises(StoreError):
        await store.commit(Batch(T1, items=(item(0, salt=b"x" * 100_000),)))
    heard = store._losses
    assert heard > losses
    monkeypatch.setattr(store, "_resolve_later", lambda *_: None)
    writer._resolve = lambda *_: None  # nobody is told yet
    while writer.failure is not None:  # noqa: ASYNC110 - a thread of its own owes nobody an event
        await asyncio.sleep(0.01)
    assert not store.healthy
    with pytest.raises(StoreError, match="built on it"):
        await store.commit(Batch(T1, items=(item(1),)))
    assert store.submit(Batch(T1, items=(item(1),))) is None
    store._resolve([], writer.losses)
    assert store.healthy


async def test_a_message_is_found_though_somebody_looked_while_it_was_on_its_way_to_the_disk(
    store: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit = store._writer.submit
    held: list[Work] = []
    monkeypatch.setattr(store._writer, "submit", held.append)
    waiting = asyncio.ensure_future(store.commit(Batch(T1, outbox=(Outgoing("a", "cdr", b"1", 0),))))
    await asyncio.sleep(0)
    assert len(held) == 1
    assert await store.outbox(T1, 0) == ()
    monkeypatch.setattr(store._writer, "submit", submit)
    submit(held[0])
    await waiting
    assert [message.id for message in await store.outbox(T1, 0)] == ["a"]


async def test_batches_that_wait_for_room_keep_their_order(store: SqliteJournal) -> None:
    told = asyncio.gather(*(store.commit(Batch(T1, items=(item(n, leaf=True),))) for n in range(100)))
    late = [asyncio.ensure_future(_when_there_is_room(store, n)) for n in (100, 101)]
    indexes = [next(iter(committed.indexes.values())) for committed in await told]
    assert indexes == list(range(100))
    await asyncio.gather(*late)


async def _when_there_is_room(store: SqliteJournal, number: int) -> None:
    """Take the first room there is: behind all that waits for some already."""
    while (flush := store.submit(Batch(T1, items=(item(number, leaf=True),)))) is None:  # noqa: ASYNC110 - as it does
        await asyncio.sleep(0)
    assert next(iter((await flush).indexes.values())) >= 100


async def test_memory_of_answers_is_bounded_and_the_table_knows_the_rest(path: Path) -> None:
    journal = await SqliteJournal.open(path)
    journal._answers._capacity = 4  # type: ignore[misc] # the bound is small here so that the test is
    for n in range(20):
        await journal.commit(Batch(T1, dedups=(Dedup(S1, f"k{n}", b"%d" % n),)))
    assert len(journal._answers._latest) == 4
    assert [await journal.answer(T1, S1, f"k{n}") for n in range(20)] == [b"%d" % n for n in range(20)]
    await journal.close()


async def test_what_a_crash_left_pending_is_worked_in_at_the_next_start(path: Path) -> None:
    journal = await SqliteJournal.open(path)
    await journal.commit(Batch(T1, items=(item(1, leaf=True),), puts=(station("t"),)))
    copy = path.with_name("copy.sqlite3")
    live, target = sqlite3.connect(path), sqlite3.connect(copy)
    live.backup(target)
    assert target.execute("SELECT count(*) FROM pending").fetchone() == (1,)
    live.close()
    target.close()
    await journal.close()
    again = await SqliteJournal.open(copy)
    assert [k.log_index for k in await again.items(T1, ORIGIN, 1)] == [0]
    assert await again.document(T1, "transaction", "t") is not None
    await again.close()


async def test_rows_wait_for_more_of_them_until_a_read_looks_at_them(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_writer, "IDLE_S", 3600)
    store = await SqliteJournal.open(path)

    def waiting() -> int:
        with closing(sqlite3.connect(path)) as connection:
            (count,) = connection.execute("SELECT count(*) FROM pending").fetchone()
        return int(count)

    await store.commit(Batch(T1, items=(item(1, leaf=True),), puts=(station("S1"),)))
    for looked_at_others in (
        store.documents(T1, "token"),
        store.items(T1, Origin("CPO/other"), 1),
        store.items_by_subject(T1, Subject(bytes(16))),
        store.leaves(T1, 1, 1),
        store.outbox(T1, 1),
        store.postings(T1),
        store.session_counts(T1),
        store.log_size(TenantId("another")),
    ):
        await looked_at_others
        assert waiting() == 1
    assert len(await store.items(T1, ORIGIN, 1)) == 1
    assert waiting() == 0
    await store.close()


async def test_a_second_writer_on_the_same_file_is_noticed(path: Path) -> None:
    first = await SqliteJournal.open(path)
    await first.commit(Batch(T1, items=(item(1, leaf=True),)))
    second = await SqliteJournal.open(path)  # works in what the first one has pending
    with pytest.raises(StoreError, match="another process"):
        await first.replay(T1)
    assert not first.healthy
    await second.close()
    await first.close()


async def test_a_file_that_was_not_migrated_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="wattseal migrate"):
        await SqliteJournal.open(tmp_path / "empty.sqlite3")


async def test_commits_are_synced_in_full(store: SqliteJournal) -> None:
    def look() -> tuple[object, object]:
        run = store._writer._connection.execute
        return run("PRAGMA synchronous").fetchone()[0], run("PRAGMA journal_mode").fetchone()[0]

    assert await asyncio.to_thread(look) == (2, "wal")


@pytest.mark.parametrize(
    "statement",
    [
        *ledger_rows.REFUSED.values(),
        "INSERT OR REPLACE INTO postings SELECT * FROM postings",
        "INSERT OR REPLACE INTO transfers SELECT * FROM transfers",
        ledger_rows.another(key="key").replace("INSERT", "REPLACE"),
        "UPDATE OR REPLACE postings SET number = 2",
    ],
)
async def test_the_database_itself_takes_no_edit_of_the_ledger(
    store: SqliteJournal, path: Path, statement: str
) -> None:
    await store.commit(Batch(T1, postings=(ledger_rows.POSTING,)))
    assert await store.balances(T1) == ledger_rows.BALANCES
    with closing(sqlite3.connect(path)) as database, pytest.raises(sqlite3.IntegrityError):
        database.execute(statement)
    assert [k.posting for k in await store.postings(T1)] == [ledger_rows.POSTING]
    assert await store.balances(T1) == ledger_rows.BALANCES


@pytest.mark.parametrize("statement", ledger_rows.REFUSED_OF_OPEN.values(), ids=ledger_rows.REFUSED_OF_OPEN.keys())
async def test_the_database_itself_takes_no_transfer_that_is_none(
    store: SqliteJournal, path: Path, statement: str
) -> None:
    await store.commit(Batch(T1, postings=(ledger_rows.POSTING,)))
    await store.balances(T1)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(ledger_rows.OPEN)
        with pytest.raises(sqlite3.IntegrityError):
            database.execute(statement)
        database.execute(ledger_rows.TAKEN_OF_OPEN)
    assert (await store.balances(T1, prefix="customer/"))[0].debits == 17


async def test_what_an_older_version_left_pending_is_worked_in(path: Path) -> None:
    planned = plan([Batch(T1, items=(item(1, leaf=True),))], {T1: 0}, {}, Numbering())
    older = msgspec.msgpack.encode([1, *msgspec.msgpack.decode(encode(planned))[1:8]])
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("INSERT INTO pending (tenant_id, body) VALUES (?, ?)", (T1, older))
    journal = await SqliteJournal.open(path)
    assert [k.item.seq for k in await journal.items(T1, ORIGIN, 1)] == [1]
    await journal.close()


def test_running_a_journal_needs_no_sqlalchemy() -> None:
    look = "import sys, wattseal.stores.sqlite, wattseal.stores.datadir; print('sqlalchemy' in sys.modules)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True, env=environment)  # noqa: S603 - our own code
    assert done.stdout == "False\n"


async def test_of_what_was_erased_nothing_is_left_in_the_files(store: SqliteJournal, path: Path) -> None:
    """The control is the same item that nobody erased: the search finds it."""
    canary, other = b"CANARY-" * 2000, b"OTHER-CANARY-" * 700
    await store.commit(Batch(T1, items=(item(1, salt=canary), item(2, salt=other))))
    await store.commit(Batch(T1, puts=(station("a", body=b'"' + canary + b'"'),)))
    (kept, _) = await store.replay(T1)
    removal = station("a", body=b"")
    left = Erased(kept.position, kept.item.payload_hash, b"left")
    assert b"CANARY-CANARY-" in everything(path)
    await store.commit(Batch(T1, puts=(removal,), erased=(left,), scrub=True))
    deadline = time.monotonic() + 20
    while found := b"CANARY-CANARY-" in everything(path):
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.05)
    assert b"OTHER-CANARY-" in everything(path)
    assert (await store.replay(T1))[0].item.item == b"left"


def everything(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(path.parent.iterdir()) if file.name.startswith(path.name))
