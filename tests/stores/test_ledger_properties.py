"""Any sequence of postings, retries, failures and crashes: every currency comes to zero, duplicates change nothing."""

import asyncio
import sqlite3
from collections import defaultdict
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.stores.journal_contract import T1, posting
from tests.support.cpo_world import make_world
from tests.support.examples import examples
from tests.support.memory_journal import MemoryJournal
from tests.support.proving import troubles

from wattseal.base.errors import InputError, StoreError
from wattseal.flow.money.ledger import accounts_of, post
from wattseal.flow.money.records import money_ready
from wattseal.flow.ports import Batch, Committed, Journal
from wattseal.flow.step import Step
from wattseal.flow.world import World
from wattseal.model.ledger import Posting, PostingKind, Transfer
from wattseal.stores.migrate import migrate
from wattseal.stores.sqlite import SqliteJournal

ACCOUNTS = ("customer/a", "held/a", "revenue/charging", "bank/main", "tax/DE/19")
CURRENCIES = ("EUR", "CHF", "JPY")

transfers = st.tuples(st.sampled_from(ACCOUNTS), st.sampled_from(ACCOUNTS), st.integers(1, 10**15)).filter(
    lambda told: told[0] != told[1]
)
postings = st.builds(
    lambda key, currency, moved: posting(key, *moved, currency=currency),
    st.sampled_from("abcdefgh"),
    st.sampled_from(CURRENCIES),
    st.lists(transfers, min_size=1, max_size=4),
)
batches = st.lists(st.lists(postings, max_size=4), min_size=1, max_size=4)
"""What is committed at one time: several batches of postings, keys repeated among them."""


def sums(kept: list[Posting]) -> dict[str, tuple[int, int]]:
    """Return the balances that these postings come to, by place."""
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for one in kept:
        for transfer in one.transfers:
            found[f"{transfer.debit} {one.currency}"][0] += transfer.amount
            found[f"{transfer.credit} {one.currency}"][1] += transfer.amount
    return {place: (debits, credits_) for place, (debits, credits_) in found.items()}


async def holds(journal: Journal, due: dict[str, Posting]) -> None:
    """Hold the journal against the postings that were acknowledged."""
    kept = await journal.postings(T1)
    assert [k.number for k in kept] == list(range(1, len(kept) + 1))
    assert {k.posting.key: k.posting for k in kept} == due
    balances = await journal.balances(T1)
    assert {b.place: (b.debits, b.credits) for b in balances} == sums(list(due.values()))
    for currency in CURRENCIES:
        assert sum(b.debits - b.credits for b in balances if b.currency == currency) == 0


def crashed(path: Path, copy: Path) -> Path:
    """Return the journal as a crash at this moment leaves it: what is pending is not in its tables."""
    with closing(sqlite3.connect(path)) as live, closing(sqlite3.connect(copy)) as target:
        live.backup(target)
    return copy


@settings(max_examples=examples(25))
@given(st.lists(st.tuples(batches, st.sampled_from(("go on", "look", "crash", "restart"))), min_size=1, max_size=6))
def test_whatever_is_committed_repeated_and_crashed_the_tables_balance(told: list[tuple[Any, str]]) -> None:
    async def scenario(folder: Path) -> None:
        path, due = folder / "0.sqlite3", dict[str, Posting]()
        journal = await SqliteJournal.open(path)
        for turn, (group, then) in enumerate(told, 1):
            await asyncio.gather(*(journal.commit(Batch(T1, postings=tuple(batch))) for batch in group))
            for one in (one for batch in group for one in batch):
                due.setdefault(one.key, one)
            match then:
                case "look":
                    await holds(journal, due)
                case "crash":
                    copy = crashed(path, folder / f"{turn}.sqlite3")
                    await journal.close()
                    path, journal = copy, await SqliteJournal.open(copy)
                case "restart":
                    await journal.close()
                    journal = await SqliteJournal.open(path)
        await holds(journal, due)
        await journal.close()

    with TemporaryDirectory() as folder:
        migrate(f"sqlite:///{folder}/0.sqlite3")
        asyncio.run(scenario(Path(folder)))


class Failing(MemoryJournal):
    """Refuses a batch that posts, fails with it, or stores it and fails to say so: whatever `how` says next."""

    how: str = "well"

    async def commit(self, batch: Batch) -> Committed:
        how, self.how = (self.how, "well") if batch.postings else ("well", self.how)
        if how == "refused":
            raise InputError("this cannot be")
        if how == "lost":
            raise StoreError("the disk is full")
        done = await super().commit(batch)
        if how == "unknown":
            raise StoreError("the disk does not answer")
        return done


def wanted(key: str, currency: str, moved: tuple[str, str, int]) -> Posting:
    return Posting(key, PostingKind.CHARGE, currency, 1, (Transfer(*moved),))


turns = st.tuples(
    st.builds(wanted, st.sampled_from("abcdefgh"), st.sampled_from(CURRENCIES), transfers),
    st.sampled_from(("well", "well", "refused", "lost", "unknown", "dropped", "forgotten")),
)


async def attempt(world: World, one: Posting, how: str) -> None:
    journal = world.journal
    assert isinstance(journal, Failing)
    await money_ready(world)
    await world.books.ready(one.currency, accounts_of(one), (one.key,))
    step = Step(world, "", world.now_ms())
    if not post(step, one) or how == "dropped":
        return
    journal.how = how
    with suppress(InputError, StoreError):
        await step.commit()
    if how == "forgotten":
        world.forget()


@settings(max_examples=examples(60))
@given(st.lists(turns, min_size=1, max_size=12))
def test_whatever_becomes_of_steps_books_records_and_tables_agree(told: list[tuple[Posting, str]]) -> None:
    async def scenario() -> None:
        world = make_world(Failing())
        for one, how in told:
            await attempt(world, one, how)
        await look(world)

    asyncio.run(scenario())


async def look(world: World) -> None:
    """Hold the books against the tables, and both against the records."""
    kept = [k.posting for k in await world.journal.postings(world.tenant)]
    assert len({one.key for one in kept}) == len(kept)
    due = sums(kept)
    for currency in CURRENCIES:
        await world.books.ready(currency, ACCOUNTS)
        total = 0
        for account in ACCOUNTS:
            debits, credits_ = due.get(f"{account} {currency}", (0, 0))
            shown = world.books.balance(account, currency)
            total += debits - credits_
            assert shown == (debits - credits_ if account == "bank/main" else credits_ - debits)
        assert total == 0
    assert [f for f in await troubles(world) if "posting" in f.code or "balance" in f.code] == []


@pytest.mark.parametrize("how", ["lost", "unknown"])
async def test_a_retry_after_a_failure_posts_once(how: str) -> None:
    world = make_world(Failing())
    one = wanted("a", "EUR", ("bank/main", "customer/a", 5))
    await attempt(world, one, how)
    await attempt(world, one, "well")
    await attempt(world, one, "well")
    assert len(await world.journal.postings(world.tenant)) == 1
    await look(world)
