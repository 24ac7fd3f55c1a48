"""Somebody wants to be billed wrongly, twice or never, or nobody to be billed any more: the books hold."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from tests.pricing.prices import element, energy, flat
from tests.support.cpo_world import AT, Talker, TestClock, add_token, enrol, make_world, transactions
from tests.support.money import AT_ONCE, balances, bill_all, billing_world, energy_tariff
from tests.support.no_proofs import NoProofs
from tests.support.paying import account, card_of, money, paying_world
from tests.support.sealed import READERS, sealed_world, settled
from tests.support.sound import assert_sound, bills_in, came_to

from wattseal.base.errors import InputError
from wattseal.flow.charges.standing import case_of
from wattseal.flow.money.accounts import change_account
from wattseal.flow.money.billing import Round
from wattseal.flow.money.rulings import Decided, NotDecidableError, rule
from wattseal.flow.money.tariff_changes import assign, remove_tariff, set_tariff
from wattseal.flow.world import World
from wattseal.model.account import AccountStatus
from wattseal.model.billing import TaxShare
from wattseal.model.ruling import RulingVerdict
from wattseal.model.tariff import Tariff
from wattseal.model.tariff_place import Level
from wattseal.model.token import TokenStatus
from wattseal.model.transaction import Billing, Transaction
from wattseal.rules.billing import CLOCK_AHEAD, HELD_BACK, NOT_PRICED, SETTLEMENT_DIFFERS
from wattseal.seal.fields import Settlement, SettlementVerdict

BILL = Decided(RulingVerdict.BILL, "Jo Doe", "the clock was set wrong, the driver confirms the hour")
WAIVE = Decided(RulingVerdict.WAIVE, "Jo Doe", "nobody can say")


async def charge(world: World, start: int = 1000, end: int = 11_000, *, minutes: int = 0, card: str = "CARD") -> None:
    talker = Talker(world, "ST1")
    await talker.stop(await talker.start(card, wh=start, minutes=minutes), end, minutes=minutes + 60)


async def only(world: World) -> Transaction:
    (found,) = await transactions(world)
    return found


async def stands(world: World, transaction: Transaction) -> tuple[Billing, str | None]:
    return (await case_of(world, NoProofs(), transaction)).standing


# Duplicates


async def test_a_queue_replayed_after_thirty_days_and_a_restart_is_billed_once() -> None:
    world = await billing_world()
    talker = Talker(world, "ST1")
    number = await talker.start()
    await talker.meter(number, 5000, 20)
    await talker.stop(number, 11_000)
    await charge(world, 11_000, 12_000, minutes=120)
    assert await bill_all(world) == Round(billed=2)
    later = make_world(world.journal, AT_ONCE, seed="later")
    later.clock = TestClock(AT + timedelta(days=30))
    again = Talker(later, "ST1", number=500)
    assert await again.start() == number
    await again.meter(number, 5000, 20)
    await again.stop(number, 11_000)
    assert await bill_all(later) == Round()
    assert (await balances(later))["customer/house"] == 660
    await assert_sound(later)


@pytest.mark.parametrize("stop_wh", [11_000, 15_000, 9000])
async def test_a_stop_told_again_under_another_message_before_or_after_the_bill_changes_nothing(stop_wh: int) -> None:
    world = await billing_world()
    talker = Talker(world, "ST1")
    number = await talker.start()
    await talker.stop(number, 11_000)
    await talker.stop(number, stop_wh)
    assert await bill_all(world) == Round(billed=1)
    await talker.stop(number, stop_wh, minutes=61)
    await bill_all(world)
    assert (await balances(world))["customer/house"] == 600
    await assert_sound(world, "conflicting_end")


# Prices


async def test_a_price_below_zero_is_no_tariff() -> None:
    world = await billing_world()
    with pytest.raises(InputError) as refused:
        await set_tariff(world, energy_tariff(price="-0.50", name="T2"))
    assert (refused.value.code, refused.value.subject) == ("tariff_not_priceable", "elements[0].price_components[0]")


async def test_a_price_of_thirty_digits_is_no_tariff() -> None:
    world = await billing_world()
    with pytest.raises(InputError) as refused:
        await set_tariff(world, energy_tariff(price="123456789012345678901234567890", name="T2"))
    assert refused.value.code == "tariff_not_priceable"


async def test_more_than_a_ledger_moves_is_quarantined_and_keeps_nobody_else_waiting() -> None:
    world = await billing_world(tariff=energy_tariff(price="9000000000000"))
    await charge(world)
    await set_tariff(world, energy_tariff())
    await charge(world, 11_000, 12_000, minutes=70)
    assert await bill_all(world) == Round(billed=1, quarantined=1)
    (dear,) = [t for t in await transactions(world) if t.start_wh == 1000]
    assert await stands(world, dear) == (Billing.QUARANTINED, NOT_PRICED)
    with pytest.raises(NotDecidableError):
        await rule(world, NoProofs(), dear.id, BILL)
    await rule(world, NoProofs(), dear.id, WAIVE)
    assert (await bill_all(world)).free == 1
    await assert_sound(world)


async def test_a_tariff_changed_and_taken_off_the_list_under_way_is_the_one_that_was_agreed() -> None:
    world = await billing_world()
    talker = Talker(world, "ST1")
    number = await talker.start()
    await set_tariff(world, energy_tariff(price="9.99"))
    await set_tariff(world, energy_tariff(price="5.00", name="T2"))
    await assign(world, Level.CPO, "", "T2")
    assert await remove_tariff(world, "T1")
    world.forget()
    await talker.stop(number, 11_000)
    assert await bill_all(world) == Round(billed=1)
    assert (await balances(world))["customer/house"] == 600
    await assert_sound(world)


# Clocks


@pytest.mark.parametrize("minutes", [10, 60, 23 * 60])
async def test_a_clock_that_is_ahead_is_no_matter_where_time_costs_nothing(minutes: int) -> None:
    world = await _ahead(energy_tariff(), minutes)
    assert await bill_all(world) == Round(billed=1)
    assert CLOCK_AHEAD in {note.code for note in (await only(world)).findings}
    await assert_sound(world)


NIGHTS = Tariff(
    "DE",
    "CPO",
    "T1",
    "EUR",
    (element(energy("0.10"), start_time="22:00", end_time="06:00"), element(energy("0.50"))),
    AT,
    time_zone="Europe/Berlin",
)


async def _told_late(*, heard: bool) -> World:
    """Return a world in which a charge was told an hour late, by a station that was heard all the while or is back."""
    world = await billing_world(tariff=NIGHTS)
    talker, clock = Talker(world, "ST1"), world.clock
    assert isinstance(clock, TestClock)
    for minute in range(0, 125, 5):
        clock.at = AT + timedelta(minutes=minute)
        if heard or minute > 115:
            await talker.call("Heartbeat", {})
    await talker.stop(await talker.start(minutes=10), 11_000, 60)
    return world


async def test_what_a_station_that_was_heard_tells_late_waits_for_a_person_where_time_costs() -> None:
    world = await _told_late(heard=True)
    assert await bill_all(world) == Round(quarantined=1)
    assert await stands(world, await only(world)) == (Billing.QUARANTINED, HELD_BACK)
    await assert_sound(world)


async def test_what_waited_in_an_outage_is_billed() -> None:
    world = await _told_late(heard=False)
    assert await bill_all(world) == Round(billed=1)
    assert HELD_BACK not in {note.code for note in (await only(world)).findings}
    await assert_sound(world)


@pytest.mark.parametrize("minutes", [10, 60, 14 * 60])
async def test_where_it_does_a_clock_that_is_ahead_waits_for_a_person(minutes: int) -> None:
    world = await _ahead(NIGHTS, minutes)
    assert await bill_all(world) == Round(quarantined=1)
    found = await only(world)
    assert await stands(world, found) == (Billing.QUARANTINED, CLOCK_AHEAD)
    await assert_sound(world)
    await rule(world, NoProofs(), found.id, BILL)
    assert await bill_all(world) == Round(billed=1)
    await assert_sound(world)


async def test_a_clock_within_minutes_waits_for_nobody() -> None:
    world = await _ahead(NIGHTS, 4)
    assert await bill_all(world) == Round(billed=1)


async def _ahead(tariff: Tariff, minutes: int) -> World:
    """Charge for an hour at a station whose clock is so many minutes ahead."""
    world = await billing_world(tariff=tariff)
    clock = world.clock = Still()
    talker = Talker(world, "ST1")
    number = await talker.start(minutes=minutes)
    clock.at += timedelta(hours=1)
    await talker.stop(number, 11_000, minutes=minutes + 60)
    return world


@dataclass
class Still:
    """A clock that no message moves."""

    at: datetime = AT

    def now(self) -> datetime:
        return self.at


# Who pays


async def test_what_a_card_is_given_afterwards_pays_for_nothing_before() -> None:
    world = await paying_world()
    await card_of(world, None, "CARD")
    await charge(world)
    paid = await account(world, 100, card="OTHER")
    await card_of(world, paid, "CARD")
    await bill_all(world)
    assert await money(world, paid) == (10_000, 0)
    assert (await balances(world))["customer/house"] == 1000
    await charge(world, 11_000, 12_000, minutes=70)
    await bill_all(world)
    await card_of(world, None, "CARD")
    assert await money(world, paid) == (9900, 0)
    await assert_sound(world)


@pytest.mark.parametrize("limit", [None, 100])
async def test_an_account_with_a_charge_under_way_is_not_closed_and_pays_blocked_or_not(limit: int | None) -> None:
    world = await paying_world()
    paid = await account(world, 50 if limit is None else 0, limit=limit)
    talker = Talker(world, "ST1")
    number = await talker.start()
    for status in (AccountStatus.CLOSED, AccountStatus.BLOCKED):
        if status is AccountStatus.CLOSED:
            with pytest.raises(InputError, match="settle that first"):
                await change_account(world, paid.id, "test", status=status)
        else:
            await change_account(world, paid.id, "test", status=status)
    await talker.stop(number, 11_000)
    assert await bill_all(world) == Round(billed=1)
    there_is, aside = await money(world, paid)
    assert (there_is, aside) == ((5000 if limit is None else 0) - 1000, 0)
    await assert_sound(world)


async def test_no_token_a_blocked_one_and_a_strange_one_pay_nothing() -> None:
    world = await billing_world()
    await add_token(world, "BLOCKED", TokenStatus.BLOCKED)
    for number, card in enumerate(("BLOCKED", "NOBODY")):
        await charge(world, 1000 + number * 5000, 6000 + number * 5000, minutes=number * 100, card=card)
    assert await bill_all(world) == Round(quarantined=2)
    assert await balances(world) == {}
    assert set((await came_to(world)).items()) == {("quarantined", 2)}
    await assert_sound(world)


async def test_another_stations_transaction_is_not_stopped() -> None:
    world = await billing_world()
    await enrol(world, "ST2")
    number = await Talker(world, "ST1").start()
    await Talker(world, "ST2").stop(number, 999_000)
    await bill_all(world)
    assert await balances(world) == {}
    await Talker(world, "ST1").stop(number, 11_000)
    await bill_all(world)
    assert (await balances(world))["customer/house"] == 600


# What an eMSP signs of a session that this CPO cannot read


RATES = replace(
    energy_tariff(),
    elements=(element(energy("0.50", "20")), element(flat("1.00", "10"))),
)
GOOD = Settlement(
    verdict=SettlementVerdict.ACCEPTED,
    energy_wh=Decimal(10_000),
    currency="EUR",
    total_excl_vat=Decimal("5.00"),
    total_incl_vat=Decimal("6.00"),
    grade=4,
    source="edge",
)


async def test_control_an_honest_settlement_of_a_sealed_session_is_billed_with_its_taxes() -> None:
    world = await sealed_world(energy_tariff())
    await settled(world, GOOD)
    assert await bill_all(world) == Round(billed=1)
    assert await balances(world) == {"customer/MSP": 600, "revenue/charging": -500, "tax/DE/20": -100}
    await assert_sound(world)


@pytest.mark.parametrize(
    "lie",
    [
        {"currency": "VND"},
        {"total_incl_vat": Decimal("5.00")},
        {"total_incl_vat": Decimal("5.98")},
        {"total_excl_vat": Decimal("6.00"), "total_incl_vat": Decimal("6.00")},
        {"taxes": (TaxShare(Decimal(0), Decimal("5.00"), Decimal("1.00")),)},
        {"taxes": (TaxShare(Decimal(7), Decimal("5.00"), Decimal("0.35")),), "total_incl_vat": Decimal("5.35")},
    ],
)
async def test_what_can_be_held_against_the_tariff_is(lie: dict[str, object]) -> None:
    world = await sealed_world(energy_tariff())
    found = await settled(world, replace(GOOD, **lie))  # type: ignore[arg-type]
    assert await bill_all(world) == Round(quarantined=1)
    assert await stands(world, found) == (Billing.QUARANTINED, SETTLEMENT_DIFFERS)
    await assert_sound(world)


@pytest.mark.parametrize(
    "odd",
    [
        {"total_excl_vat": Decimal("-5.00"), "total_incl_vat": Decimal("-6.00")},
        {"total_excl_vat": Decimal("5.001"), "total_incl_vat": Decimal("6.001")},
        {"total_excl_vat": Decimal(5 * 10**15), "total_incl_vat": Decimal(6 * 10**15)},
        {"taxes": (TaxShare(Decimal(20), Decimal("4.00"), Decimal("0.80")),)},
        {"total_excl_vat": None, "total_incl_vat": None},
    ],
)
async def test_what_no_ledger_can_hold_is_quarantined_and_keeps_nobody_else_waiting(odd: dict[str, object]) -> None:
    world = await sealed_world(energy_tariff())
    found = await settled(world, replace(GOOD, **odd))  # type: ignore[arg-type]
    await add_token(world, "CARD")
    await charge(world)
    assert await bill_all(world) == Round(billed=1, quarantined=1)
    assert await stands(world, found) == (Billing.QUARANTINED, NOT_PRICED)
    await assert_sound(world)


@pytest.mark.parametrize(
    ("number", "value"), [(6, 99), (6, -1), (7, "the moon"), (2, [0, -5]), (10, [1]), (10, [[1, 2]])]
)
async def test_a_settlement_that_is_none_settles_nothing_and_stops_nobody(number: int, value: object) -> None:
    world = await sealed_world(energy_tariff())
    found = await settled(world, GOOD.to_fields() | {number: value})
    assert found.settlement is None
    await add_token(world, "CARD")
    await charge(world)
    assert await bill_all(world) == Round(billed=1, pending=1)
    await assert_sound(world)


async def test_a_settlement_that_this_cpo_cannot_open_is_none_and_is_asked_for_again() -> None:
    world = await sealed_world(energy_tariff())
    found = await settled(world, GOOD, reader=READERS[0])
    assert found.settlement is None
    assert world.counters["settlement_not_readable"] > 0
    assert await world.journal.outbox(world.tenant, world.now_ms() + 10**9) != ()
    assert await bill_all(world) == Round(pending=1)
    await assert_sound(world)


async def test_a_sealed_session_under_two_rates_has_the_taxes_that_were_signed_or_none() -> None:
    parts = (
        TaxShare(Decimal(20), Decimal("5.00"), Decimal("1.00")),
        TaxShare(Decimal(10), Decimal("1.00"), Decimal("0.10")),
    )
    said = replace(GOOD, total_excl_vat=Decimal("6.00"), total_incl_vat=Decimal("7.10"))
    world = await sealed_world(RATES)
    await settled(world, replace(said, taxes=parts))
    assert await bill_all(world) == Round(billed=1)
    assert (await bills_in(world))[0].taxes == parts
    assert (await balances(world))["tax/DE/10"] == -10
    await assert_sound(world)
    world = await sealed_world(RATES)
    await settled(world, said)
    assert await bill_all(world) == Round(quarantined=1)
    await assert_sound(world)
