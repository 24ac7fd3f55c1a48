"""The CSMS dies at every single commit of a charge's whole life: nothing is half done, nothing lost, billed once."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from itertools import count

import pytest
from tests.support.bills import GMBH
from tests.support.cpo_world import Talker, TestClock, enrol, make_world, transactions
from tests.support.fault_provider import NAME, FaultProvider
from tests.support.invoicing import PAYER, Stub
from tests.support.memory_journal import MemoryJournal
from tests.support.money import energy_tariff
from tests.support.paying import card_of
from tests.support.proved import Proved, bundle_of, register
from tests.support.sound import assert_sound, bills_in

from wattseal.base.errors import InputError, StoreError
from wattseal.flow.money.accounts import open_account
from wattseal.flow.money.billing import Biller
from wattseal.flow.money.disputes import Verdict, decide, list_disputes, open_dispute
from wattseal.flow.money.holds import tidy
from wattseal.flow.money.invoice_due import Wanted, groups
from wattseal.flow.money.invoice_list import list_invoices
from wattseal.flow.money.invoices import Desk, issue
from wattseal.flow.money.payment_care import due, look_after
from wattseal.flow.money.payments import Wanted as PaymentWanted
from wattseal.flow.money.payments import begin, open_payments
from wattseal.flow.money.rulings import Decided, rule
from wattseal.flow.money.tariff_changes import set_tariff
from wattseal.flow.money.wallets import give_back
from wattseal.flow.ports import Batch, Committed
from wattseal.flow.settings import Settings
from wattseal.flow.world import World
from wattseal.model.account import Account, AccountKind
from wattseal.model.billing import Bill, TaxShare
from wattseal.model.dispute import Claim, DisputeVerdict
from wattseal.model.payment import PaymentPolicy, Purpose
from wattseal.model.ruling import RulingVerdict
from wattseal.model.transaction import Transaction
from wattseal.rules.billing_policy import BillingPolicy

POLICY = Settings(
    billing=BillingPolicy(wait_ms=0, entities=(GMBH,)),
    payments=PaymentPolicy(NAME),
    public_url="https://csms.example",
)


class MortalJournal(MemoryJournal):
    """A journal whose process dies at one of its commits: before that is durable, or right after.

    `torn` is what no real journal does, for the control: postings are kept, what belongs to them is not.
    """

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.dies_at: int | None = None
        self.durable = False
        self.torn = False

    async def commit(self, batch: Batch) -> Committed:
        self.asked += 1
        if self.asked != self.dies_at:
            return await super().commit(batch)
        if self.torn:
            await super().commit(Batch(batch.tenant, items=batch.items, postings=batch.postings))
        elif self.durable:
            await super().commit(batch)
        raise StoreError("the process died", code="died")


@dataclass
class Life:
    """A CPO from a driver's first coin to the invoice; whoever is not answered asks again, as in life."""

    journal: MortalJournal = field(default_factory=MortalJournal)
    provider: FaultProvider = field(default_factory=FaultProvider)
    starts: int = 0
    account: Account | None = None
    bundle: bytes = b""
    world: World = field(init=False)

    def __post_init__(self) -> None:
        self.world = self.started(TestClock())

    def started(self, clock: TestClock) -> World:
        self.starts += 1
        world = make_world(self.journal, POLICY, seed=f"start {self.starts}")
        world.clock = clock
        world.providers = {NAME: self.provider}
        return world

    async def prepare(self) -> None:
        await register(self.world)
        await enrol(self.world, "ST1")
        await set_tariff(self.world, energy_tariff())
        made = Account("", AccountKind.PREPAID, "EUR", Decimal(0))
        self.account = await open_account(self.world, made, "test", payer=PAYER)
        await card_of(self.world, self.account, "CARD")

    async def insist(self, act: Callable[["Life"], Awaitable[object]]) -> None:
        """Do something; where the process dies over it, restart it and do it again."""
        try:
            await act(self)
        except StoreError:
            self.world = self.started(self.clock())
            await act(self)

    async def live(self) -> None:
        for act in ACTS:
            await self.insist(act)
        for _ in range(6):
            self.clock().at += timedelta(hours=1)
            await self.insist(look_at_payments)
            await self.insist(give_back_holds)

    def clock(self) -> TestClock:
        assert isinstance(self.world.clock, TestClock)
        return self.world.clock

    def station(self) -> Talker:
        return Talker(self.world, "ST1", number=self.starts * 100)

    async def session(self, start_wh: int) -> Transaction:
        return next(t for t in await transactions(self.world) if t.start_wh == start_wh)


async def look_at_payments(life: Life) -> None:
    for payment_id in await due(life.world):
        await look_after(life.world, payment_id)
        if life.world.payments is None:
            raise StoreError("it died on the way", code="died")


async def give_back_holds(life: Life) -> None:
    await tidy(life.world)


async def begin_payment(life: Life) -> None:
    assert life.account is not None
    if not life.provider.kept and not await open_payments(life.world):
        await begin(life.world, PaymentWanted(Purpose.TOP_UP, life.account.id, "EUR", 5000))


async def pay(life: Life) -> None:
    for _ in range(5):
        await look_at_payments(life)
        life.provider.driver(approves=True)
        life.clock().at += timedelta(hours=1)
        await look_at_payments(life)
    assert [kept.captured for kept in life.provider.kept.values()] == [5000]


async def bill(life: Life) -> None:
    await Biller(life.world, Proved(life.journal)).round()


def charging(start_wh: int, stop_wh: int, at: int) -> tuple[Callable[[Life], Awaitable[None]], ...]:
    """A charge: each message is sent until it is answered."""

    async def start(life: Life) -> None:
        assert await life.station().start(wh=start_wh, minutes=at) > 0

    async def reading(life: Life) -> None:
        number = (await life.session(start_wh)).transaction_id
        await life.station().meter(int(number or 0), start_wh + 500, minutes=at + 5)

    async def stop(life: Life) -> None:
        number = (await life.session(start_wh)).transaction_id
        await life.station().stop(int(number or 0), stop_wh, minutes=at + 30)

    return start, reading, stop


def ruling(start_wh: int, verdict: RulingVerdict) -> Callable[[Life], Awaitable[None]]:
    async def decided(life: Life) -> None:
        session = await life.session(start_wh)
        if session.ruling is None:
            await rule(life.world, Proved(life.journal), session.id, Decided(verdict, "Jo Doe", "looked at"))

    return decided


async def invoice(life: Life) -> None:
    desk = Desk(life.world, Proved(life.journal), Stub())
    for group in [group async for group in groups(life.world, Wanted())]:
        await issue(desk, group)


async def dispute(life: Life) -> None:
    if not life.bundle:
        life.bundle = (await bundle_of(life.world, await life.session(1000))).encode()
    await open_dispute(life.world, "Jo Doe", life.bundle, Claim("other_energy"))


async def settle(life: Life) -> None:
    (found,) = await list_disputes(life.world, after="", limit=10, is_open=None)
    right = (TaxShare(Decimal(20), Decimal("2.00"), Decimal("0.40")),)
    if found.open:
        await decide(life.world, found, Verdict(DisputeVerdict.PARTLY, "Jo Doe", "half of it", right))


async def refund(life: Life) -> None:
    assert life.account is not None
    with suppress(InputError):  # it has been given back
        await give_back(life.world, life.account.id)


ACTS: tuple[Callable[[Life], Awaitable[None]], ...] = (
    begin_payment,
    pay,
    *charging(1000, 11_000, 0),
    bill,
    *charging(5000, 12_000, 100),
    *charging(4000, 4500, 200),
    bill,
    ruling(5000, RulingVerdict.BILL),
    ruling(4000, RulingVerdict.WAIVE),
    bill,
    invoice,
    dispute,
    settle,
    invoice,
    refund,
)


@dataclass(frozen=True)
class Ended:
    """What a life came to: all that people and tax offices would ask for."""

    balances: dict[str, int]
    bills: list[tuple[str, str, str | None]]
    invoices: list[str]
    sessions: int
    captured: int
    refunded: int


def _bill(one: Bill) -> tuple[str, str, str | None]:
    return (f"{one.energy_wh} {one.total.after_tax} {one.state}", one.invoice or "", one.credit_note)


async def ended(life: Life) -> Ended:
    found = await life.journal.balances(life.world.tenant, limit=1000)
    account = "" if life.account is None else life.account.id
    page, _ = await list_invoices(life.world, account=None, after="", limit=100)
    return Ended(
        {b.account.replace(account, "X"): b.debits - b.credits for b in found if b.debits != b.credits},
        sorted(_bill(one) for one in await bills_in(life.world)),
        sorted(one.number for one in page),
        len(await transactions(life.world)),
        sum(kept.captured for kept in life.provider.kept.values()),
        sum(kept.refunded for kept in life.provider.kept.values()),
    )


async def lived(dies_at: int | None, *, durable: bool = False) -> Life:
    life = Life()
    await life.prepare()
    life.journal.asked = 0
    life.journal.dies_at, life.journal.durable = dies_at, durable
    await life.live()
    return life


FAULTS = ("register_overlap", "register_rolled_back")
LEAST_COMMITS = 30


async def test_a_life_without_a_crash_comes_to_what_it_should() -> None:
    life = await lived(None)
    came_to = await ended(life)
    assert came_to.balances == {"provider/faulty": 660, "revenue/charging": -550, "tax/DE/20": -110}
    assert (came_to.captured, came_to.refunded, came_to.sessions) == (5000, 4340, 3)
    assert came_to.invoices == ["LW-2027-000001", "LW-2027-000002", "LWG-2027-000001"]
    await assert_sound(life.world, *FAULTS, proofs=Proved(life.journal))


@pytest.mark.parametrize("moment", ["before it is durable", "after it is durable"])
async def test_wherever_the_process_dies_it_all_comes_to_the_same(moment: str) -> None:
    expected, died = await ended(await lived(None)), 0
    for dies_at in count(1):
        life = await lived(dies_at, durable=moment.startswith("after"))
        if life.starts == 1:
            break
        died += 1
        assert await ended(life) == expected, f"it died at commit {dies_at}"
        await assert_sound(life.world, *FAULTS, proofs=Proved(life.journal))
    assert died > LEAST_COMMITS


async def test_control_a_commit_that_is_torn_in_two_is_noticed() -> None:
    life = Life()
    await life.prepare()
    for act in ACTS[:5]:
        await act(life)
    life.journal.dies_at, life.journal.torn = life.journal.asked + 1, True
    with pytest.raises(StoreError):
        await bill(life)
    life.world = life.started(TestClock())
    with pytest.raises(AssertionError):
        await assert_sound(life.world, proofs=Proved(life.journal))
