"""The books: what steps under way have posted counts at once, and what comes to nothing is taken back."""

import asyncio

import pytest
from tests.support.cpo_world import make_world
from tests.support.memory_journal import MemoryJournal

from wattseal.base.errors import InputError, StoreError
from wattseal.base.ids import Origin
from wattseal.flow.money.ledger import accounts_of, post
from wattseal.flow.money.records import money_ready
from wattseal.flow.ports import Batch, Committed
from wattseal.flow.step import Step
from wattseal.flow.world import World
from wattseal.model.ledger import Posting, PostingKind, Transfer
from wattseal.rules.recorded import read_item
from wattseal.seal.item import Kind, parse_item

ANNA, HELD = "customer/anna", "held/anna"
SUBJECT = "5f" * 16


def top_up(key: str, amount: int, currency: str = "EUR") -> Posting:
    return Posting(key, PostingKind.TOP_UP, currency, 1000, (Transfer("bank/main", ANNA, amount),), memo="at the desk")


def hold(key: str, amount: int) -> Posting:
    transfers = (Transfer(ANNA, HELD, amount),)
    return Posting(key, PostingKind.HOLD, "EUR", 1000, transfers, subject=SUBJECT, refs=("ab" * 32,))


async def ready(world: World, posting: Posting) -> None:
    await money_ready(world)
    await world.books.ready(posting.currency, accounts_of(posting), (posting.key,))


async def posted(world: World, posting: Posting) -> bool:
    await ready(world, posting)
    step = Step(world, "", world.now_ms())
    done = post(step, posting)
    await step.commit()
    return done


async def in_the_journal(world: World, account: str, currency: str = "EUR") -> int:
    found = await world.journal.balances(world.tenant, prefix=account)
    return sum(b.credits - b.debits for b in found if (b.account, b.currency) == (account, currency))


async def test_a_posting_is_a_record_and_rows_that_name_it() -> None:
    world = make_world()
    assert await posted(world, top_up("top-up/1", 500))
    assert await posted(world, hold("hold/1", 200))
    assert world.books.balance(ANNA, "EUR") == await in_the_journal(world, ANNA) == 300
    assert world.books.balance("bank/main", "EUR") == 500
    _, kept = await world.journal.postings(world.tenant)
    chain = await world.journal.items(world.tenant, Origin("CPO/billing"), 1)
    record = read_item(parse_item(chain[-1].item.item))
    assert record.kind is Kind.POSTING
    assert record.posting == kept.posting
    assert record.posting is not None
    assert record.posting.record == chain[-1].item.payload_hash.hex()
    assert record.subject == bytes.fromhex(SUBJECT)


async def test_a_key_is_posted_once_and_again_writes_no_record() -> None:
    world = make_world()
    assert await posted(world, top_up("top-up/1", 500))
    items = len(await world.journal.replay(world.tenant))
    assert not await posted(world, top_up("top-up/1", 999))
    world.forget()
    assert not await posted(world, top_up("top-up/1", 999))
    assert len(await world.journal.replay(world.tenant)) == items
    assert world.books.balance(ANNA, "EUR") == 500


async def spend(world: World, key: str, *, careless: bool = False) -> bool:
    """Hold 3.00 where that much is there; `careless` awaits something between the look and the posting."""
    posting = hold(key, 300)
    await ready(world, posting)
    enough = world.books.balance(ANNA, "EUR") >= 300
    if careless:
        await asyncio.sleep(0)
    if not enough:
        return False
    step = Step(world, "", world.now_ms())
    post(step, posting)
    await step.commit()
    return True


@pytest.mark.parametrize(("careless", "left"), [(False, 100), (True, -200)], ids=["at once", "control: with an await"])
async def test_two_steps_at_a_time_do_not_spend_the_same_money(careless: bool, left: int) -> None:  # noqa: FBT001
    world = make_world()
    await posted(world, top_up("top-up/1", 400))
    done = await asyncio.gather(*(spend(world, f"hold/{n}", careless=careless) for n in range(2)))
    assert sum(done) == (2 if careless else 1)
    assert await in_the_journal(world, ANNA) == left


async def test_a_step_that_is_dropped_leaves_the_books_as_they_were() -> None:
    world = make_world()
    await posted(world, top_up("top-up/1", 400))
    await ready(world, hold("hold/1", 300))
    head = world.chains.head(("CPO/billing", 1))
    step = Step(world, "", world.now_ms())
    assert post(step, hold("hold/1", 300))
    assert world.books.balance(ANNA, "EUR") == 100
    del step
    assert world.books.balance(ANNA, "EUR") == 400
    assert not world.books.posted("hold/1")
    assert world.chains.head(("CPO/billing", 1)) is head
    assert await posted(world, hold("hold/1", 300))


class Refusing(MemoryJournal):
    """Refuses the next batch that posts."""

    refusing: Exception | None = None

    async def commit(self, batch: Batch) -> Committed:
        if self.refusing is not None and batch.postings:
            error, self.refusing = self.refusing, None
            raise error
        return await super().commit(batch)


@pytest.mark.parametrize("error", [InputError("no"), StoreError("the disk is full")], ids=["refused", "failed"])
async def test_a_step_that_is_not_stored_counts_for_nothing(error: Exception) -> None:
    journal = Refusing()
    world = make_world(journal)
    await posted(world, top_up("top-up/1", 400))
    journal.refusing = error
    with pytest.raises(type(error)):
        await posted(world, hold("hold/1", 300))
    await world.books.ready("EUR", (ANNA,), ("hold/1",))
    assert world.books.balance(ANNA, "EUR") == 400
    assert not world.books.posted("hold/1")
    assert await posted(world, hold("hold/1", 300))


async def test_nothing_is_posted_on_balances_that_were_dropped() -> None:
    world = make_world()
    await ready(world, top_up("top-up/1", 400))
    world.books.forget()
    step = Step(world, "", world.now_ms())
    with pytest.raises(StoreError) as refused:
        post(step, top_up("top-up/1", 400))
    assert refused.value.code == "not_ready"
    assert step.items == []
    with pytest.raises(StoreError):
        world.books.balance(ANNA, "EUR")


async def test_currencies_do_not_mix() -> None:
    world = make_world()
    await posted(world, top_up("top-up/1", 400))
    await posted(world, top_up("top-up/2", 90, "CHF"))
    world.books.forget()
    await world.books.ready("EUR", (ANNA,))
    await world.books.ready("CHF", (ANNA,))
    assert (world.books.balance(ANNA, "EUR"), world.books.balance(ANNA, "CHF")) == (400, 90)


@pytest.mark.parametrize(
    ("posting", "code"),
    [
        (top_up("", 1), "bad_posting"),
        (top_up("a key", 1), "bad_posting"),
        (top_up("k", 1, "eur"), "bad_posting"),
        (top_up("k", 0), "bad_transfer"),
        (top_up("k", 10**15 + 1), "bad_transfer"),
        (Posting("k", PostingKind.FEE, "EUR", 0, ()), "bad_posting"),
        (Posting("k", PostingKind.FEE, "EUR", 0, (Transfer(ANNA, ANNA, 1),)), "bad_transfer"),
        (Posting("k", PostingKind.FEE, "EUR", 0, (Transfer("purse/anna", ANNA, 1),)), "no_such_account"),
        (Posting("k", PostingKind.FEE, "EUR", 0, (Transfer("customer/an na", ANNA, 1),)), "no_such_account"),
        (Posting("k", PostingKind.FEE, "EUR", 0, (Transfer("bank/main", ANNA, 1),), refs=("ab",)), "bad_posting"),
        (Posting("k", PostingKind.FEE, "EUR", 0, (Transfer("bank/main", ANNA, 1),), memo="a\nb"), "bad_posting"),
    ],
)
async def test_a_posting_that_is_none_is_refused_with_nothing_written(posting: Posting, code: str) -> None:
    world = make_world()
    await ready(world, posting)
    step = Step(world, "", world.now_ms())
    with pytest.raises(InputError) as refused:
        post(step, posting)
    assert refused.value.code == code
    assert step.items == []
