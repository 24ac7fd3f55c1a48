"""Whatever is lost, late, told twice or in disorder, and wherever the process dies: taken once, and never lost."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.cpo_world import TestClock, enrol, make_world
from tests.support.examples import examples
from tests.support.fault_provider import NAME, Fault, FaultProvider
from tests.support.memory_journal import MemoryJournal

from wattseal.base.errors import InputError, StoreError
from wattseal.flow.money.payment_care import due, look_after
from wattseal.flow.money.payment_events import hear
from wattseal.flow.money.payments import Wanted, begin, cancel, capture, is_open, open_payments, refund
from wattseal.flow.ports import Batch, Clock, Committed
from wattseal.flow.settings import Settings
from wattseal.flow.world import World
from wattseal.model.payment import Payment, PaymentPolicy, PaymentState, Purpose, Spot
from wattseal.rules import chart

ACCOUNT = "ab" * 16
AMOUNT = 5000
_ASKED = frozenset({"capture", "cancel", "refund"})
POLICY = Settings(payments=PaymentPolicy(NAME))


class FailingJournal(MemoryJournal):
    """A journal that fails at chosen commits: before they are durable, or after, without saying so."""

    def __init__(self) -> None:
        super().__init__()
        self.crashes: dict[int, bool] = {}
        """Commits to come, counted from 1, and whether they are durable nevertheless."""
        self.number = 0

    async def commit(self, batch: Batch) -> Committed:
        self.number += 1
        durable = self.crashes.pop(self.number, None)
        if durable is None:
            return await super().commit(batch)
        if durable:
            await super().commit(batch)
        raise StoreError("the process died", code="died")


@dataclass
class Till:
    """A CPO that is restarted on its journal whenever it died."""

    journal: FailingJournal = field(default_factory=FailingJournal)
    provider: FaultProvider = field(default_factory=FaultProvider)
    purpose: Purpose = Purpose.TOP_UP
    starts: int = 0
    world: World = field(init=False)

    def __post_init__(self) -> None:
        self.world = self.started(None)

    def started(self, clock: Clock | None) -> World:
        self.starts += 1
        world = make_world(self.journal, POLICY, seed=f"start {self.starts}")
        world.clock = clock or TestClock()
        world.providers = {NAME: self.provider}
        return world

    async def survive(self, act: Callable[[], Awaitable[object]]) -> None:
        try:
            await act()
        except InputError:
            pass
        except StoreError:
            self.world = self.started(self.world.clock)

    async def payments(self) -> list[Payment]:
        return list((await open_payments(self.world)).values())

    async def act(self, name: str, number: int, fault: Fault) -> None:
        """Do one thing; the first question it asks the provider meets the fault."""
        self.provider.faults = [fault]
        if name in _ASKED:
            for payment in await self.payments():
                await self.ask(name, number, payment)
            return
        acts: dict[str, Callable[[], Awaitable[None]]] = {
            "begin": self.begin,
            "webhook": lambda: self.webhook(number),
            "look": self.look,
        }
        if name in acts:
            await acts[name]()
        elif name in {"approve", "walk_away"}:
            self.provider.driver(approves=name == "approve")
        elif name == "late":
            self.provider.catch_up()
        elif name == "restart":
            self.world = self.started(self.world.clock)
        else:
            self.journal.crashes[self.journal.number + 1 + number % 4] = bool(number & 4)

    async def begin(self) -> None:
        spot = Spot("ST1", 1) if self.purpose is Purpose.AD_HOC else None
        await self.survive(lambda: begin(self.world, Wanted(self.purpose, ACCOUNT, "EUR", AMOUNT, spot)))

    async def ask(self, name: str, number: int, payment: Payment) -> None:
        match name:
            case "capture" if payment.state is PaymentState.AUTHORISED:
                await self.survive(lambda: capture(self.world, payment.id, 1 + number % AMOUNT))
            case "cancel" if payment.state in {PaymentState.AUTHORISED, PaymentState.PENDING}:
                await self.survive(lambda: cancel(self.world, payment.id))
            case "refund":
                await self.survive(lambda: refund(self.world, payment.id, 1 + number % 2000))
            case _:
                pass

    async def webhook(self, number: int) -> None:
        if not self.provider.events:
            return
        number %= len(self.provider.events)
        await self.survive(lambda: hear(self.world, NAME, str(number).encode(), {"signed": "yes"}))

    async def look(self, after_s: int = 10) -> None:
        clock = self.world.clock
        assert isinstance(clock, TestClock)
        clock.at += timedelta(seconds=after_s)
        ids: tuple[str, ...] = ()

        async def find() -> None:
            nonlocal ids
            ids = await due(self.world)

        await self.survive(find)
        for payment_id in ids:
            await look_after(self.world, payment_id)
            if self.world.payments is None:  # it died: only the journal knows
                self.world = self.started(clock)

    async def quiet_down(self) -> None:
        """Let all faults end, everything late be done and told, and the clock run."""
        self.journal.crashes.clear()
        self.provider.faults.clear()
        self.provider.catch_up()
        for number in reversed(range(len(self.provider.events))):
            await self.webhook(number)
        for _ in range(30):
            await self.look(4000)

    def balance(self, account: str) -> int:
        return sum(
            sign * transfer.amount
            for posting in self.journal.posted.values()
            for transfer in posting.posting.transfers
            for name, sign in ((transfer.debit, 1), (transfer.credit, -1))
            if name == account
        )


WORDS = ("approve", "walk_away", "capture", "cancel", "refund", "refund", "webhook", "webhook", "late", "look", "look")
DEATHS = ("look", "restart", "die")
STEPS = st.tuples(st.sampled_from(WORDS + DEATHS), st.integers(0, 10_000), st.sampled_from(Fault))
BEGUN = st.sampled_from(((), ("approve",), ("approve", "look", "capture"), ("approve", "look", "capture", "refund")))


async def _run(steps: list[tuple[str, int, Fault]], purpose: Purpose) -> None:
    till = Till(purpose=purpose)
    await enrol(till.world, "ST1")
    for name, number, fault in steps:
        await till.act(name, number, fault)
    await till.quiet_down()
    till.world = till.started(till.world.clock)
    documents = {k: p for (kind, k), p in till.journal.documents_by_key.items() if kind == "provider_payment"}
    assert set(till.provider.kept) <= set(documents)
    for found in till.provider.kept.values():
        payment = await _payment(till, found.payment)
        assert (payment.captured, payment.refunded) == (found.captured, found.refunded)
        assert found.refunded == sum(asked.amount for asked in payment.refunds if asked.done)
        assert payment.state not in {PaymentState.CREATED, PaymentState.CAPTURE_UNKNOWN, PaymentState.CANCEL_UNKNOWN}
        assert not is_open(payment)
        assert len([c for c in till.provider.captures if c[0] == found.payment]) <= 1
    captured = sum(found.captured for found in till.provider.kept.values())
    refunded = sum(found.refunded for found in till.provider.kept.values())
    assert till.balance(chart.provider(NAME)) == captured - refunded
    assert till.balance(chart.authorised(NAME)) == 0
    assert till.balance(chart.refunding(ACCOUNT)) == 0
    assert till.balance(chart.customer(ACCOUNT)) == refunded - captured


async def _payment(till: Till, payment_id: str) -> Payment:
    from wattseal.flow.money.payments import payment_of  # noqa: PLC0415 - beside its only use

    found = await payment_of(till.world, payment_id)
    assert found is not None
    return found


@settings(max_examples=examples(400))
@given(BEGUN, st.lists(STEPS, max_size=30), st.sampled_from(Purpose), st.sampled_from(Fault))
def test_a_payment_is_taken_once_and_never_lost_whatever_happens(
    begun: tuple[str, ...], steps: list[tuple[str, int, Fault]], purpose: Purpose, fault: Fault
) -> None:
    first = [(word, 1234, Fault.NONE) for word in ("begin", *begun)]
    first[-1] = (*first[-1][:2], fault)
    asyncio.run(_run([*first, *steps], purpose))
