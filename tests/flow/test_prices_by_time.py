"""A charge's price from its readings: the CPO's journal and a stranger's bundle come to the same points and cents."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.pricing.prices import element, energy, flat, hourly, parking
from tests.support.cpo_world import AT, Talker, add_token, enrol, make_world, transactions
from tests.support.examples import examples
from tests.support.memory_journal import MemoryJournal
from tests.support.money import bill_all, billing_world, energy_tariff

from wattseal.base.ids import Subject, TenantId
from wattseal.bundle import readings
from wattseal.bundle.case import Case
from wattseal.bundle.cdr import price_charge, trace_to_value
from wattseal.bundle.format import Bundle, parse_bundle
from wattseal.bundle.points import points_of as points_in
from wattseal.flow.charges import costs
from wattseal.flow.charges.bundling import assemble
from wattseal.flow.charges.measured import points_of
from wattseal.flow.money.billing import Round
from wattseal.flow.money.bills import bill_of
from wattseal.flow.money.tariff_changes import set_tariff
from wattseal.flow.ports import KeptItem
from wattseal.flow.turn import revive
from wattseal.flow.world import World
from wattseal.model.tariff import Tariff
from wattseal.model.transaction import Transaction
from wattseal.pricing.periods import Point
from wattseal.pricing.price import Priced
from wattseal.wire.ocpp.version import Version

BY_TIME = Tariff(
    "DE",
    "CPO",
    "T",
    "EUR",
    (
        element(energy("0.30", "20"), hourly("6", "20"), max_duration_s=1800),
        element(energy("0.60", "20"), hourly("3", "20"), parking("12", "20")),
        element(flat("1", "20")),
    ),
    AT,
    time_zone="Europe/Berlin",
    idle_grace_s=300,
)


class NoLog:
    """Proofs of no log: what is priced does not depend on them."""

    async def proof(self, index: int) -> bytes | None:
        del index
        return b""

    async def cosigners(self, index: int) -> dict[str, int] | None:
        del index
        return None

    def state(self) -> int:
        return 0


async def a_world(version: Version = Version.V16, tariff: Tariff = BY_TIME) -> tuple[World, Talker]:
    world = make_world()
    await enrol(world, "ST1")
    await add_token(world, "CARD")
    await set_tariff(world, tariff)
    return world, Talker(world, "ST1", version)


async def bundle_of(world: World, transaction: Transaction) -> Bundle:
    made = await assemble(world, NoLog(), transaction, billing_party=True)
    assert isinstance(made, Bundle)
    return parse_bundle(made.encode())


def strangers_points(bundle: Bundle) -> tuple[Point, ...]:
    case = Case(bundle, None, (), [])
    for step in (readings.open_content, readings.check_evidence, readings.check_continuity):
        assert step(case) is None
    return points_in(case)


def point(minutes: float, wh: str) -> Point:
    return Point(round((AT + timedelta(minutes=minutes)).timestamp() * 1000), Decimal(wh))


CHARGED = (
    point(0, "1000"),
    point(10, "2000"),
    point(20, "3000"),
    point(30, "3000"),
    point(40, "3500"),
    point(60, "3500"),
)


async def test_what_the_journal_says_is_what_the_bundle_says_whenever_the_readings_came() -> None:
    """The station was away: its meter values come an hour later, and count when they were read."""
    world, station = await a_world()
    number = await station.start(wh=1000)
    world.clock.at += timedelta(hours=1)  # type: ignore[attr-defined] # the test's clock
    for minutes, wh in ((10, 2000), (20, 3000), (30, 3000), (40, 3500)):
        await station.meter(number, wh, minutes)
    await station.stop(number, 3500, 60)
    (found,) = await transactions(world)
    assert await points_of(world, found) == CHARGED
    bundle = await bundle_of(world, found)
    assert strangers_points(bundle) == CHARGED
    priced = price_charge(BY_TIME, CHARGED)
    assert isinstance(priced, Priced)
    assert bundle.cdr is not None
    assert bundle.price_trace == trace_to_value(priced.trace)
    # 20 min charging and 5 of grace and 5 standing in the first half hour, 10 charging, 20 standing after it
    expected = Decimal("0.60") + 2 + Decimal("0.30") + Decimal("0.5") + 1 + 5 * Decimal("0.2") + 20 * Decimal("0.2")
    assert priced.total.before_tax == expected
    assert bundle.cdr[6] == [-2, int(expected * 100)]


def event(kind: str, seq: int, minutes: int, wh: int, **more: Any) -> dict[str, Any]:
    context = {"Started": "Transaction.Begin", "Ended": "Transaction.End"}.get(kind, "Sample.Periodic")
    at = (AT + timedelta(minutes=minutes)).isoformat()
    sample = {"value": wh, "context": context, "measurand": "Energy.Active.Import.Register"}
    return {
        "eventType": kind,
        "timestamp": at,
        "triggerReason": "MeterValuePeriodic",
        "seqNo": seq,
        "transactionInfo": {"transactionId": "TX"},
        "evse": {"id": 1, "connectorId": 1},
        "meterValue": [{"timestamp": at, "sampledValue": [sample]}],
        **more,
    }


TOLD = ((10, 2000), (20, 3000), (30, 3000), (40, 3500))


@settings(max_examples=examples(12))
@given(st.permutations(range(len(TOLD))))
async def test_events_of_2_x_count_by_the_stations_time_in_whatever_order_they_come(order: list[int]) -> None:
    world, station = await a_world(Version.V201)
    card = {"idToken": {"idToken": "CARD", "type": "ISO14443"}}
    await station.call("TransactionEvent", event("Started", 0, 0, 1000, **card))
    for seq in order:
        await station.call("TransactionEvent", event("Updated", seq + 1, *TOLD[seq]))
    told = await station.call("TransactionEvent", event("Ended", 5, 60, 3500))
    (found,) = await transactions(world)
    assert await points_of(world, found) == CHARGED
    priced = price_charge(BY_TIME, CHARGED)
    assert isinstance(priced, Priced)
    assert Decimal(str(told["totalCost"])) == priced.total.after_tax
    assert strangers_points(await bundle_of(world, found)) == CHARGED


async def test_a_register_that_fell_by_the_stations_time_too_is_no_late_reading() -> None:
    world, station = await a_world(Version.V201)
    card = {"idToken": {"idToken": "CARD", "type": "ISO14443"}}
    await station.call("TransactionEvent", event("Started", 0, 0, 1000, **card))
    await station.call("TransactionEvent", event("Updated", 2, 20, 3000))
    await station.call("TransactionEvent", event("Updated", 1, 10, 900))
    await station.call("TransactionEvent", event("Ended", 3, 60, 3500))
    (found,) = await transactions(world)
    case = Case(await bundle_of(world, found), None, (), [])
    assert [step(case) for step in (readings.open_content, readings.check_evidence)] == [None, None]
    trouble = readings.check_continuity(case)
    assert trouble is not None
    assert trouble.reason == "register_decreases"


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_running_cost_follows_every_reading_of_it_also_over_a_restart(*, restarted: bool) -> None:
    world, station = await a_world(Version.V201)
    card = {"idToken": {"idToken": "CARD", "type": "ISO14443"}}
    await station.call("TransactionEvent", event("Started", 0, 0, 1000, **card))
    found = []
    for seq, (minutes, wh) in enumerate(TOLD, start=1):
        await station.call("TransactionEvent", event("Updated", seq, minutes, wh))
        live = world.stations["ST1"].live["TX"]  # type: ignore[index] # a station's id
        if restarted:
            live = await revive(world, live.transaction)
        found.append(await costs._running(world, live))
    expected = []
    for upto in range(2, len(CHARGED)):
        priced = price_charge(BY_TIME, CHARGED[:upto])
        assert isinstance(priced, Priced)
        expected.append(priced.total.after_tax)
    assert found == expected


async def test_a_reading_outside_start_and_end_changes_nothing() -> None:
    world, station = await a_world()
    number = await station.start(wh=1000)
    for minutes, wh in ((-5, 1000), (0, 1000), *TOLD, (60, 3500), (70, 3500)):
        await station.meter(number, wh, minutes)
    await station.stop(number, 3500, 60)
    await station.meter(number, 3500, 50)
    (found,) = await transactions(world)
    assert await points_of(world, found) == CHARGED
    assert strangers_points(await bundle_of(world, found)) == CHARGED


async def test_a_tariff_of_energy_alone_reads_no_readings_for_its_price() -> None:
    world, station = await a_world(tariff=replace(BY_TIME, elements=(element(energy("0.30", "20")),)))
    number = await station.start(wh=1000)
    await station.meter(number, 2000, 10)
    await station.stop(number, 3500, 60)
    (found,) = await transactions(world)
    bundle = await bundle_of(world, found)
    assert bundle.cdr is not None
    assert bundle.cdr[6] == [-2, 75]
    assert [line[0] for line in bundle.price_trace] == ["only_energy_component"]


class Counting(MemoryJournal):
    """A journal that counts how often somebody reads all records of a session."""

    read = 0

    async def items_by_subject(self, tenant: TenantId, subject: Subject) -> tuple[KeptItem, ...]:
        self.read += 1
        return await super().items_by_subject(tenant, subject)


CARD = {"idToken": {"idToken": "CARD", "type": "ISO14443"}}
LATER = CARD | {"triggerReason": "Authorized"}
COSTLIER = energy_tariff("0.90")


@pytest.mark.parametrize(
    ("start", "update", "restarted"), [(CARD, {}, False), ({}, LATER, False), (CARD, {}, True), ({}, LATER, True)]
)
async def test_an_end_costs_what_the_decision_named_however_it_is_known(
    start: dict[str, Any], update: dict[str, Any], *, restarted: bool
) -> None:
    """The tariff changes meanwhile. As long as the session is in memory its records are not read for its price."""
    journal = Counting()
    world = await billing_world(journal=journal)
    station = Talker(world, "ST1", Version.V201)
    await station.call("TransactionEvent", event("Started", 0, 0, 1000, **start))
    await station.call("TransactionEvent", event("Updated", 1, 10, 2000, **update))
    await set_tariff(world, COSTLIER)
    if restarted:
        world.forget()
    await station.call("TransactionEvent", event("Updated", 2, 20, 3000))
    read = journal.read
    told = await station.call("TransactionEvent", event("Ended", 3, 60, 11_000))
    assert told["totalCost"] == 6.0
    assert journal.read == read
    assert await bill_all(world) == Round(billed=1)
    (found,) = await transactions(world)
    bill = await bill_of(world, found.id)
    assert bill is not None
    assert bill.total.after_tax == Decimal("6.00")
