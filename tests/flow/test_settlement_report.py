"""The settlement report: nothing differs after clean payments; each thing that is wrong is named, and nothing else."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from tests.support.cpo_world import Talker, TestClock, add_token, enrol, make_world, transactions
from tests.support.fault_provider import NAME, FaultProvider

from wattseal.base.errors import InputError
from wattseal.flow.charges.payments import PAYMENT
from wattseal.flow.charges.payments import Payment as Settled
from wattseal.flow.documents import put
from wattseal.flow.money.accounts import open_account
from wattseal.flow.money.bills import put_bill
from wattseal.flow.money.payment_care import due, look_after, look_up
from wattseal.flow.money.payments import Wanted, begin, capture, refund
from wattseal.flow.money.settlement_report import Imported, import_lines, settlement_report
from wattseal.flow.ports import Batch
from wattseal.flow.settings import Settings
from wattseal.flow.world import World
from wattseal.model.account import Account, AccountKind
from wattseal.model.billing import Bill, BillState, TaxShare
from wattseal.model.payment import BalanceChange, ChangeKind, Payment, PaymentPolicy, PaymentState, Purpose, Spot
from wattseal.model.tariff import Price
from wattseal.model.verdict import Grade, Source
from wattseal.rules import chart

FROM = int(datetime(2027, 1, 15, tzinfo=UTC).timestamp() * 1000)
TO = FROM + 86_400_000


class Provider(FaultProvider):
    """Keeps its lines by the test's clock."""

    world: World | None = None

    def _line(self, kind: ChangeKind, found: object, amount: int) -> None:
        super()._line(kind, found, amount)  # type: ignore[arg-type]
        assert self.world is not None
        self.lines[-1] = replace(self.lines[-1], at_ms=self.world.now_ms())

    def add(self, kind: ChangeKind, amount: int, reference: str | None = None, fee: int = 0) -> None:
        assert self.world is not None
        line = BalanceChange(f"x{len(self.lines)}", kind, "EUR", amount, fee, self.world.now_ms(), reference)
        self.lines.append(line)


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
async def world(provider: Provider) -> World:
    made = make_world(settings=Settings(payments=PaymentPolicy(NAME)))
    made.providers = {NAME: provider}
    provider.world = made
    await enrol(made, "ST1")
    await add_token(made, "CARD")
    return made


async def codes(world: World) -> list[str]:
    report = await settlement_report(world, FROM, TO)
    return sorted(difference.code for difference in report.differences)


async def topped_up(world: World, provider: Provider, amount: int = 5000) -> Payment:
    account = await open_account(world, Account("", AccountKind.PREPAID, "EUR", Decimal(0)), "test")
    payment = await begin(world, Wanted(Purpose.TOP_UP, account.id, "EUR", amount))
    provider.driver(approves=True)
    for _ in range(3):
        assert isinstance(world.clock, TestClock)
        world.clock.at += timedelta(seconds=10)
        for one in await due(world):
            await look_after(world, one)
    found = (world.payments or {})[payment.id]
    assert found.state is PaymentState.CAPTURED
    return found


async def charged(world: World, provider: Provider, *, billed: Decimal | None, taken: int) -> Payment:
    """A charge on the spot: with a bill, or none; captured as told, or not at all."""
    station = Talker(world, "ST1")
    await station.stop(await station.start(), 9000)
    (session,) = await transactions(world)
    spot = Spot("ST1", 1, "TOKEN", 1, transaction=session.id)
    payment = await begin(world, Wanted(Purpose.AD_HOC, "ab" * 16, "EUR", 5000, spot))
    provider.driver(approves=True)
    payment = await look_up(world, payment)
    if taken:
        payment = await capture(world, payment.id, taken)
    if billed is not None:
        await world.journal.commit(Batch(world.tenant, puts=put_bill(bill(session.id, billed), world.now_ms())))
    return payment


def bill(session: str, total: Decimal, state: BillState = BillState.BILLED) -> Bill:
    return Bill(
        id=session,
        evidence="00" * 32,
        account="ab" * 16,
        party=None,
        station_id="ST1",
        evse_id=1,
        started_ms=FROM,
        ended_ms=FROM + 1,
        energy_wh=Decimal(8000),
        currency="EUR",
        total=Price(total, total),
        taxes=(TaxShare(None, total, Decimal(0)),),
        tariff="00" * 32,
        tariff_id="T",
        country="DE",
        grade=Grade.G0,
        source=Source.CSMS,
        posting="charge/00",
        billed_ms=FROM + 2,
        state=state,
    )


async def test_nothing_differs_after_clean_payments_and_both_sides_come_to_the_same(
    world: World, provider: Provider
) -> None:
    payment = await topped_up(world, provider)
    await refund(world, payment.id, 1200)
    report = await settlement_report(world, FROM, TO)
    assert report.differences == ()
    assert report.provider_net == report.ledger_net == {"EUR": 3800}
    assert (report.lines, report.payments) == (2, 1)


async def test_what_the_provider_did_and_the_ledger_does_not_know_is_named(world: World, provider: Provider) -> None:
    payment = await topped_up(world, provider)
    provider.add(ChangeKind.CAPTURE, 700, "ref-of-somebody")
    provider.add(ChangeKind.REFUND, -300, payment.reference)
    provider.lines[0] = replace(provider.lines[0], fee=99)
    provider.add(ChangeKind.OTHER, -5)
    assert await codes(world) == [
        "capture_of_unknown_payment",
        "fee_differs",
        "line_of_unknown_kind",
        "refund_without_credit",
    ]


async def test_what_the_ledger_has_and_the_provider_does_not_is_named(world: World, provider: Provider) -> None:
    payment = await topped_up(world, provider)
    await refund(world, payment.id, 1200)
    provider.lines.clear()
    assert await codes(world) == ["capture_without_provider", "refund_without_provider"]


async def test_payouts_and_fees_are_posted_once_however_often_they_are_imported(
    world: World, provider: Provider
) -> None:
    await topped_up(world, provider)
    provider.add(ChangeKind.FEE, -150)
    provider.add(ChangeKind.PAYOUT, -4850)
    assert await codes(world) == ["fee_not_in_ledger", "payout_missing"]
    assert await import_lines(world, FROM, TO) == Imported(2, 0)
    assert await import_lines(world, FROM, TO) == Imported(0, 2)
    assert await codes(world) == []
    await world.books.ready("EUR", (chart.provider(NAME), chart.BANK, chart.provider_fees(NAME)))
    assert world.books.balance(chart.provider(NAME), "EUR") == 0
    assert world.books.balance(chart.BANK, "EUR") == 4850
    assert world.books.balance(chart.provider_fees(NAME), "EUR") == 150


@pytest.mark.parametrize(
    ("billed", "taken", "code"),
    [
        (None, 700, ["capture_without_bill"]),
        ("7.00", 700, []),
        ("7.00", 500, ["captured_less_than_billed"]),
        ("5.00", 700, ["captured_more_than_billed"]),
    ],
)
async def test_a_session_and_its_payment_come_to_the_same_or_are_named(
    world: World, provider: Provider, billed: str | None, taken: int, code: list[str]
) -> None:
    await charged(world, provider, billed=None if billed is None else Decimal(billed), taken=taken)
    assert await codes(world) == code


async def test_a_bill_whose_authorisation_ran_out_is_named(world: World, provider: Provider) -> None:
    payment = await charged(world, provider, billed=Decimal("7.00"), taken=0)
    provider.kept[payment.id] = replace(provider.kept[payment.id], state="expired")
    assert (await look_up(world, payment)).state is PaymentState.EXPIRED
    assert await codes(world) == ["bill_without_capture"]


async def test_a_bill_that_was_taken_back_wants_its_money_given_back(world: World, provider: Provider) -> None:
    payment = await charged(world, provider, billed=Decimal("7.00"), taken=700)
    (session,) = await transactions(world)
    reversed_bill = bill(session.id, Decimal("7.00"), BillState.REVERSED)
    await world.journal.commit(Batch(world.tenant, puts=put_bill(reversed_bill, world.now_ms())))
    assert await codes(world) == ["refund_missing_of_reversed_bill"]
    await refund(world, payment.id, 700)
    assert await codes(world) == []


async def test_what_a_terminal_settled_is_held_against_the_bill(world: World) -> None:
    station = Talker(world, "ST1")
    number = await station.start()
    await station.stop(number, 9000)
    (session,) = await transactions(world)
    kept = Settled("ST1", "PSP1", "Settled", str(number), world.now_ms(), {"settlementAmount": "7.00"})
    await world.journal.commit(Batch(world.tenant, puts=(put(PAYMENT, "st1/PSP1", kept, world.now_ms()),)))
    assert await codes(world) == ["terminal_without_bill"]
    await world.journal.commit(Batch(world.tenant, puts=put_bill(bill(session.id, Decimal("6.50")), world.now_ms())))
    assert await codes(world) == ["terminal_differs"]
    await world.journal.commit(Batch(world.tenant, puts=put_bill(bill(session.id, Decimal("7.00")), world.now_ms())))
    assert await codes(world) == []


async def test_without_a_provider_or_with_a_time_that_is_none_there_is_no_report(world: World) -> None:
    with pytest.raises(InputError) as told:
        await settlement_report(world, TO, FROM)
    assert told.value.code == "bad_time"
    world.providers = {}
    with pytest.raises(InputError) as told:
        await settlement_report(world, FROM, TO)
    assert told.value.code == "no_provider"
