"""The hard cases of billing, from the station's message to ledger, invoice and audit.

Those below are here because they cross several parts. The others live with the part that decides on them:

| case | where |
|---|---|
| stop below start, negative, huge, Wh for kWh, rollback, jump | here; each detector alone: watch/test_attacks.py |
| missing stop | here; flow/test_closing.py, watch/test_attacks.py |
| clock a day ahead, in 1970, jumping | here; flow/test_money_attacks.py, watch/test_attacks.py |
| both switches of the clock, midnight, tariff changed under way | here; pricing/test_prices_by_clock.py |
| three currencies in a month | here; flow/test_invoices.py |
| no energy, free tariff, no tariff, waived | here; flow/test_billing.py, flow/test_rulings.py |
| reservation not used | here; prices: pricing/test_ocpi_examples.py |
| hold larger than the balance | flow/test_holds_at_charge.py, flow/test_holds_any.py |
| webhook replayed | serve/test_payment_webhooks.py, flow/test_payments_under_faults.py |
| provider silent after the capture | flow/test_payments_under_faults.py |
| tax rate changed | here; rules/test_invoicing.py |
| the process dies | flow/test_crashes.py, stores/test_kill.py |
| 10^5 sessions in a month | lab/test_month.py with 500, `make audit-month` with all |
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from tests.pricing.prices import element, energy, flat, hourly
from tests.support.answering import OPERATOR, Answering
from tests.support.bills import GMBH
from tests.support.cpo_world import AT, Talker, TestClock, enrol, make_world, transactions
from tests.support.einvoice import assert_valid
from tests.support.invoicing import PAYER
from tests.support.money import balances, bill_all, billing_world, energy_tariff
from tests.support.no_proofs import NoProofs
from tests.support.paying import card_of
from tests.support.proved import Proved, register
from tests.support.proving import troubles
from tests.support.sound import assert_sound, audited, bills_in, came_to

from wattseal.base.ids import StationId
from wattseal.flow.charges.closing import close_session
from wattseal.flow.charges.standing import case_of
from wattseal.flow.drivers.reservations import expire, list_reservations
from wattseal.flow.drivers.reserving import Wish, reserve
from wattseal.flow.money.accounts import open_account
from wattseal.flow.money.billing import Biller, Round
from wattseal.flow.money.invoice_due import Wanted, groups
from wattseal.flow.money.invoice_list import file_of
from wattseal.flow.money.invoices import Desk, RenderHere, issue
from wattseal.flow.money.rulings import Decided, rule
from wattseal.flow.money.statements import account_statement
from wattseal.flow.money.tariff_changes import assign, set_tariff
from wattseal.flow.settings import Settings
from wattseal.flow.world import World
from wattseal.model.account import Account, AccountKind
from wattseal.model.audit import Period
from wattseal.model.invoice import Issued
from wattseal.model.reservation import ReservationStatus
from wattseal.model.ruling import RulingVerdict
from wattseal.model.tariff import Tariff
from wattseal.model.tariff_place import Level
from wattseal.model.token import IdToken
from wattseal.model.transaction import Billing, Transaction
from wattseal.rules.billing_policy import BillingPolicy
from wattseal.wire.ocpp.version import Version

BERLIN = ZoneInfo("Europe/Berlin")
SELLING = Settings(billing=BillingPolicy(wait_ms=0, entities=(GMBH,)), public_url="https://csms.example")
LATER = 10**15 - 1


def minutes_to(when: datetime) -> int:
    """Return where a moment is on a station's scale of minutes."""
    return round((when - AT).total_seconds() / 60)


def stand_at(world: World, when: datetime) -> None:
    assert isinstance(world.clock, TestClock)
    world.clock.at = when


async def charge(
    world: World,
    begin: datetime,
    end: datetime,
    registers: tuple[int, ...],
    *,
    station: str = "ST1",
    card: str = "CARD",
) -> Transaction:
    """Charge from `begin` to `end`, read at even distances, while the CSMS's clock goes along."""
    talker = Talker(world, station)
    apart = (end - begin) / (len(registers) - 1)
    stand_at(world, begin)
    number = await talker.start(card, wh=registers[0], minutes=minutes_to(begin))
    for count, wh in enumerate(registers[1:-1], start=1):
        stand_at(world, begin + count * apart)
        await talker.meter(number, wh, minutes=minutes_to(begin + count * apart))
    stand_at(world, end)
    await talker.stop(number, registers[-1], minutes=minutes_to(end))
    return next(t for t in await transactions(world) if t.transaction_id == str(number))


async def stands(world: World, transaction: Transaction) -> tuple[Billing, str | None]:
    return (await case_of(world, NoProofs(), transaction)).standing


# Registers


@pytest.mark.parametrize(
    ("start", "stop", "code"),
    [
        (1000, 999, "register_decreased"),
        (1000, 0, "register_decreased"),
        (-5, 9000, "negative_register"),
        (1000, -1, "negative_register"),
        (10**15 + 1, 10**15 + 2, "implausible_register"),
        (1000, 3_001_000, "implausible_energy"),
        (1000, 1_901_000, "energy_beyond_rating"),
    ],
)
async def test_registers_that_cannot_be_bill_nothing_and_nothing_is_lost(start: int, stop: int, code: str) -> None:
    world = await billing_world()
    found = await charge(world, AT, AT + timedelta(hours=1), (start, stop))
    assert await bill_all(world) == Round(quarantined=1)
    case = await case_of(world, NoProofs(), found)
    assert code in case.reasons
    assert await balances(world) == {}
    assert {fault.code for fault in (await audited(world)).faults} >= {code}
    assert await troubles(world) == []
    assert (await came_to(world))["quarantined"] == 1


async def test_a_session_whose_stop_never_comes_bills_nothing_until_a_person_closes_it_and_then_once() -> None:
    world = await billing_world()
    talker = Talker(world, "ST1")
    number = await talker.start()
    await talker.meter(number, 6000, 30)
    stand_at(world, AT + timedelta(days=3))
    assert await bill_all(world) == Round()
    await assert_sound(world, "never_ended")
    (found,) = await transactions(world)
    await close_session(world, found.id, "Jo Doe", "the station is gone")
    assert await bill_all(world) == Round(quarantined=1)
    await rule(world, NoProofs(), found.id, Decided(RulingVerdict.BILL, "Jo Doe", "as far as it was read"))
    assert await bill_all(world) == Round(billed=1)
    await talker.stop(number, 11_000)
    await bill_all(world)
    assert (await balances(world))["customer/house"] == 300
    await assert_sound(world, "closed_without_stop", "conflicting_end")


# Time


@pytest.mark.parametrize(("year", "reason"), [(1970, "time_implausible"), (2099, "time_implausible")])
async def test_a_clock_of_another_century_bills_nothing_and_does_not_spoil_the_next_session(
    year: int, reason: str
) -> None:
    world = await billing_world()
    talker = Talker(world, "ST1")
    payload = {"connectorId": 1, "idTag": "CARD", "meterStart": 1000, "timestamp": f"{year}-01-01T00:00:00Z"}
    number = (await talker.call("StartTransaction", payload))["transactionId"]
    ended = {"transactionId": number, "meterStop": 5000, "timestamp": f"{year}-01-01T01:00:00Z"}
    await talker.call("StopTransaction", ended)
    await charge(world, AT + timedelta(hours=2), AT + timedelta(hours=3), (5000, 6000))
    assert await bill_all(world) == Round(billed=1, quarantined=1)
    assert (await balances(world))["customer/house"] == 60
    assert reason in {fault.code for fault in (await audited(world)).faults}
    assert await troubles(world) == []


NIGHT = Tariff(
    "DE",
    "CPO",
    "T1",
    "EUR",
    (
        element(energy("0.20"), hourly("1"), start_time="00:00", end_time="04:00"),
        element(energy("0.50"), hourly("2")),
    ),
    datetime(2026, 1, 1, tzinfo=UTC),
    time_zone="Europe/Berlin",
)


@pytest.mark.parametrize(
    ("evening", "hours", "at_night"),
    [
        (datetime(2026, 10, 24, 23, 0, tzinfo=BERLIN), 7, 5),
        (datetime(2027, 3, 27, 23, 0, tzinfo=BERLIN), 5, 3),
        (datetime(2026, 11, 10, 23, 0, tzinfo=BERLIN), 6, 4),
    ],
    ids=["the night of 25 hours", "the night of 23 hours", "any other"],
)
@pytest.mark.parametrize("changed", [False, True], ids=["", "tariff changed under way"])
async def test_a_night_is_billed_by_the_hours_it_has(
    evening: datetime, hours: int, at_night: int, *, changed: bool
) -> None:
    """From 23:00 to 05:00, 1 kWh an hour: two hours of the day's price, all others of the night's."""
    world = await billing_world(tariff=NIGHT)
    begin = evening.astimezone(UTC)
    end = begin + timedelta(hours=hours)
    assert end.astimezone(BERLIN).hour == 5
    registers = tuple(range(1000, 1000 + 1000 * hours + 1, 1000))
    talker = Talker(world, "ST1")
    stand_at(world, begin)
    number = await talker.start(minutes=minutes_to(begin))
    for count, wh in enumerate(registers[1:-1], start=1):
        stand_at(world, begin + timedelta(hours=count))
        await talker.meter(number, wh, minutes=minutes_to(begin + timedelta(hours=count)))
        if changed and count == 2:
            await set_tariff(world, energy_tariff(price="9.99"))
            world.forget()
    stand_at(world, end)
    await talker.stop(number, registers[-1], minutes=minutes_to(end))
    assert await bill_all(world) == Round(billed=1)
    (bill,) = await bills_in(world)
    assert hours - at_night == 2
    assert bill.total.before_tax == Decimal(2) * (Decimal("0.50") + 2) + at_night * (Decimal("0.20") + 1)
    assert (bill.started_ms, bill.ended_ms) == tuple(round(when.timestamp() * 1000) for when in (begin, end))
    await assert_sound(world)


# A month


async def seller() -> World:
    world = make_world(settings=SELLING)
    await register(world)
    for station in ("ST1", "ST2", "ST3"):
        await enrol(world, station)
    return world


async def customer(world: World, currency: str, card: str) -> Account:
    wanted = Account("", AccountKind.CREDIT, currency, Decimal(100_000))
    made = await open_account(world, wanted, "test", payer=PAYER)
    await card_of(world, made, card)
    return made


async def billed(world: World) -> Round:
    return await Biller(world, proofs_of(world)).round()


def proofs_of(world: World) -> Proved:
    return Proved(world.journal)  # type: ignore[arg-type] # all worlds here have such a one


async def invoiced(world: World) -> list[Issued]:
    desk = Desk(world, proofs_of(world), RenderHere())
    return [await issue(desk, group) for group in [group async for group in groups(world, Wanted())]]


async def test_three_currencies_in_a_month_are_three_of_everything_and_mix_nowhere() -> None:
    world = await seller()
    prices = {"EUR": ("ST1", "0.50", "6.00"), "SEK": ("ST2", "5.5", "66.00"), "JPY": ("ST3", "80.4", "965")}
    accounts: dict[str, Account] = {}
    for currency, (station, price, _) in prices.items():
        await set_tariff(world, energy_tariff(price=price, currency=currency, name=currency))
        await assign(world, Level.STATION, station, currency)
        accounts[currency] = await customer(world, currency, currency)
    for day in range(3):
        begin = AT + timedelta(days=day)
        for currency, (station, _, _) in prices.items():
            registers = (1000 + day * 10_000, 11_000 + day * 10_000)
            await charge(world, begin, begin + timedelta(hours=1), registers, station=station, card=currency)
    assert await billed(world) == Round(billed=9)
    issued = {one.currency: one for one in await invoiced(world)}
    assert set(issued) == set(prices)
    found = await audited(world, proofs_of(world))
    for currency, (_, _, each) in prices.items():
        digits = 0 if currency == "JPY" else 2
        minor = int(3 * Decimal(each).scaleb(digits))
        assert issued[currency].charged == 3 * Decimal(each)
        statement = await account_statement(world, accounts[currency].id, currency, 0, LATER)
        assert (statement.closing, len(statement.sessions), statement.held) == (-minor, 3, 0)
        total = found.sums[currency]
        assert (total.due, total.posted, total.sessions) == (minor, minor, 3)
        others = set(prices) - {currency}
        for other in others:
            assert (await account_statement(world, accounts[currency].id, other, 0, LATER)).lines == ()
        xml = await file_of(world, issued[currency], "xml")
        assert xml is not None
        assert_valid(xml)
    await assert_sound(world, proofs=proofs_of(world))


async def test_a_tax_rate_that_changes_with_the_month_is_that_of_the_start_and_one_invoice_has_both() -> None:
    world = await seller()
    first, hour = datetime(2027, 7, 1, tzinfo=BERLIN), timedelta(hours=1)
    await set_tariff(world, energy_tariff(vat="19"))
    await set_tariff(world, replace(energy_tariff(vat="16"), start_at=first))
    await customer(world, "EUR", "CARD")
    starts = (first - 5 * hour, first - hour / 2, first + hour, first + 5 * hour)
    for number, start in enumerate(starts):
        begin = start.astimezone(UTC)
        registers = (1000 + number * 10_000, 11_000 + number * 10_000)
        await charge(world, begin, begin + hour, registers)
    assert await billed(world) == Round(billed=4)
    by_start = sorted(await bills_in(world), key=lambda bill: bill.started_ms)
    assert [bill.taxes[0].percent for bill in by_start] == [19, 19, 16, 16]
    (one,) = await invoiced(world)
    assert (one.net, one.tax, one.charged) == (Decimal("20.00"), Decimal("3.50"), Decimal("23.50"))
    xml = await file_of(world, one, "xml")
    assert xml is not None
    assert_valid(xml)
    owed = await balances(world)
    assert (owed["tax/DE/19"], owed["tax/DE/16"]) == (-190, -160)
    july = Period(round(first.timestamp() * 1000), LATER)
    found = await audited(world, proofs_of(world), july)
    assert (found.sessions, found.sums["EUR"].due) == (3, 595 + 580 + 580)
    await assert_sound(world, proofs=proofs_of(world))


# For nothing


async def test_what_costs_nothing_is_told_and_moves_no_money() -> None:
    world = await seller()
    await customer(world, "EUR", "CARD")
    hour = timedelta(hours=1)
    await charge(world, AT, AT + hour, (1000, 2000))
    await set_tariff(world, energy_tariff(price="0"))
    await charge(world, AT + 2 * hour, AT + 3 * hour, (2000, 3000))
    await set_tariff(world, energy_tariff())
    await charge(world, AT + 4 * hour, AT + 5 * hour, (3000, 3000))
    back = await charge(world, AT + 6 * hour, AT + 7 * hour, (2500, 4000))
    assert await billed(world) == Round(billed=1, free=2, quarantined=1)
    await rule(world, proofs_of(world), back.id, Decided(RulingVerdict.WAIVE, "Jo Doe", "goodwill"))
    assert await billed(world) == Round(free=1)
    found = await audited(world, proofs_of(world))
    assert {name: count for name, count in found.standings.items() if name.startswith("free")} == {
        "free: no_tariff": 1,
        "free: no_energy": 1,
        "free: waived": 1,
    }
    assert not any((await balances(world)).values())
    assert await invoiced(world) == []
    await assert_sound(world, "register_rolled_back", "register_overlap", proofs=proofs_of(world))


async def test_a_free_session_that_was_held_for_gives_all_of_it_back() -> None:
    world = await seller()
    await set_tariff(world, energy_tariff(price="0"))
    account = await customer(world, "EUR", "CARD")
    await charge(world, AT, AT + timedelta(hours=1), (1000, 9000))
    assert (await balances(world))[f"held/{account.id}"] == -5000
    assert await billed(world) == Round(billed=1)
    assert not any((await balances(world)).values())
    await assert_sound(world, proofs=proofs_of(world))


# Reservations

RESERVABLE = replace(
    energy_tariff(),
    elements=(
        element(flat("4.00", "20"), reservation="RESERVATION_EXPIRES"),
        element(hourly("6.00", "20"), reservation="RESERVATION"),
        element(energy("0.50", "20")),
    ),
)


async def test_who_reserves_and_does_not_come_is_billed_nothing_whatever_the_tariff_says() -> None:
    world = await billing_world(tariff=RESERVABLE)
    world.lines = Answering(Version.V201, {"ReserveNow": {"status": "Accepted"}})
    wish = Wish(id_token=IdToken("CARD", "ISO14443"), expires_at=AT + timedelta(hours=1), evse_id=1)
    await reserve(world, OPERATOR, StationId("ST1"), wish)
    stand_at(world, AT + timedelta(hours=2))
    assert await expire(world) == 1
    assert await bill_all(world) == Round()
    assert await balances(world) == {}
    ((_, kept),) = await list_reservations(world, station_id=None, active=None, after="", limit=10)
    assert kept.status is ReservationStatus.EXPIRED
    await assert_sound(world)


async def test_who_comes_pays_for_the_charge_alone() -> None:
    world = await billing_world(tariff=RESERVABLE)
    world.lines = Answering(Version.V16, {"ReserveNow": {"status": "Accepted"}})
    wish = Wish(id_token=IdToken("CARD", "ISO14443"), expires_at=AT + timedelta(hours=1), evse_id=1)
    _, made = await reserve(world, OPERATOR, StationId("ST1"), wish)
    talker = Talker(world, "ST1")
    stand_at(world, AT + timedelta(minutes=30))
    payload = {"connectorId": 1, "idTag": "CARD", "meterStart": 1000, "timestamp": talker.at(30)}
    number = (await talker.call("StartTransaction", payload | {"reservationId": made.id}))["transactionId"]
    await talker.stop(number, 11_000, minutes=90)
    assert await bill_all(world) == Round(billed=1)
    assert (await balances(world))["customer/house"] == 600
    await assert_sound(world)
