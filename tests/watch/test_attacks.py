"""What each detector catches, and that it is this one that does: left out of the list, the same attack passes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.support.answering import OPERATOR
from tests.support.cpo_world import AT, Talker, TestClock, add_token, enrol, make_world, transactions
from tests.support.meters import METER_SPKI, transaction
from tests.support.proving import troubles

from wattseal.evidence.ocmf_build import MeterState
from wattseal.flow.charges.open_transactions import OpenKeeper
from wattseal.flow.world import World
from wattseal.model.station import EvseEnrolment, Station
from wattseal.model.transaction import Billing, Transaction
from wattseal.model.verdict import EvidencePin, Grade, Source
from wattseal.rules.notes import EFFECTS, Effect
from wattseal.watch import DETECTORS, Watch
from wattseal.watch.detector import Moment
from wattseal.wire.ocpp.version import Version

PLAIN = Station(id="ST1", evses=(EvseEnrolment(id=1, rated_power_w=22_000), EvseEnrolment(id=2)))
SIGNING = Station(
    id="ST1",
    pin=EvidencePin(Grade.G2, Source.METER),
    evses=(
        EvseEnrolment(id=1, meter_serial="METER-1", meter_public_key=METER_SPKI, register_per_session=True),
        EvseEnrolment(id=2, meter_serial="METER-1", meter_public_key=METER_SPKI, register_per_session=True),
    ),
)
Act = Callable[[World, Talker], Awaitable[None]]


@dataclass
class StillClock:
    """A clock that stands where it was put, whatever stations tell."""

    at: datetime = field(default=AT)

    def now(self) -> datetime:
        return self.at


async def charged(station: Talker, start: int, stop: int, at: int = 0, until: int = 60, *, connector: int = 1) -> None:
    number = await station.start(wh=start, minutes=at, connector=connector)
    await station.stop(number, stop, minutes=until)


async def negative(_: World, station: Talker) -> None:
    await charged(station, -5, 900)


async def beyond_any_meter(_: World, station: Talker) -> None:
    await charged(station, 10**15 + 1, 10**15 + 2)


async def below_its_start(_: World, station: Talker) -> None:
    await charged(station, 1000, 900)


async def lowered(_: World, station: Talker) -> None:
    number = await station.start()
    await station.meter(number, 7000, 20)
    await station.stop(number, 6000)


async def jumped(_: World, station: Talker) -> None:
    number = await station.start()
    await station.meter(number, 1100, 50)
    await station.meter(number, 9000, 51)
    await station.stop(number, 9100)


async def rolled_back(_: World, station: Talker) -> None:
    await charged(station, 1000, 5000)
    await charged(station, 200, 900, 70, 90)


async def rolled_back_behind_an_open_one(_: World, station: Talker) -> None:
    await charged(station, 1000, 5000)
    await station.start(wh=5000, minutes=61)
    await charged(station, 200, 900, 70, 90)


async def backwards(_: World, station: Talker) -> None:
    number = await station.start(minutes=20)
    await station.stop(number, 2000, minutes=10)


async def from_1970(_: World, station: Talker) -> None:
    payload = {"connectorId": 1, "idTag": "CARD", "meterStart": 1000, "timestamp": "1970-01-01T00:00:00Z"}
    number = (await station.call("StartTransaction", payload))["transactionId"]
    await station.stop(number, 2000)


async def days_late(world: World, station: Talker) -> None:
    world.clock = StillClock(AT + timedelta(days=3))
    await charged(station, 1000, 2000)


async def hours_late(world: World, station: Talker) -> None:
    world.clock = StillClock(AT + timedelta(hours=3))
    await charged(station, 1000, 2000)


async def held_back(world: World, station: Talker) -> None:
    clock = world.clock = StillClock()
    for minute in range(0, 120, 5):
        clock.at = AT + timedelta(minutes=minute)
        await station.call("Heartbeat", {})
    number = await station.start(minutes=80)
    await station.stop(number, 2000, minutes=110)


async def set_back(_: World, station: Talker) -> None:
    number = await station.start()
    await station.meter(number, 1500, 50)
    await station.stop(number, 2000, minutes=10)


async def a_zone_ahead(world: World, station: Talker) -> None:
    world.clock = StillClock()
    number = await station.start(minutes=60)
    world.clock.at += timedelta(hours=1)
    await station.stop(number, 2000, minutes=120)


async def set_ahead(world: World, station: Talker) -> None:
    clock = world.clock = StillClock()
    number = await station.start()
    clock.at = AT + timedelta(minutes=30)
    await station.stop(number, 2000, minutes=120)


async def lifetime_told(_: World, station: Talker) -> None:
    await charged(station, 1000, 3_000_000)


async def faster_than_possible(_: World, station: Talker) -> None:
    await charged(station, 1000, 41_000)


async def faster_than_any(_: World, station: Talker) -> None:
    await charged(station, 1000, 1_990_000, connector=2)


async def kwh_for_wh(_: World, station: Talker) -> None:
    number = await station.start()
    for minute in range(0, 61, 5):
        samples = [
            {"value": str(1000 + 11 * minute // 60), "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
            {"value": "11000", "measurand": "Power.Active.Import", "unit": "W"},
        ]
        values = [{"timestamp": station.at(minute), "sampledValue": samples}]
        await station.call("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": values})
    await station.stop(number, 1011)


async def told_twice_at_once(_: World, station: Talker) -> None:
    first = await station.start(wh=1000)
    second = await station.start(wh=1001, minutes=1)
    await station.stop(first, 5000)
    await station.stop(second, 5002, minutes=61)


async def at_the_same_time(_: World, station: Talker) -> None:
    await charged(station, 1000, 5000)
    await charged(station, 5000, 9000, 5, 55)


async def some_went_by(_: World, station: Talker) -> None:
    await charged(station, 1000, 5000)
    await charged(station, 5300, 9000, 70, 130)


async def one_went_by(_: World, station: Talker) -> None:
    await charged(station, 1000, 5000)
    await charged(station, 15_000, 19_000, 90, 130)


def signed(record: bytes, at: str) -> dict[str, Any]:
    sample = {"value": record.decode(), "format": "SignedData", "context": "Transaction.End"}
    return {"transactionData": [{"timestamp": at, "sampledValue": [sample]}]}


async def with_record(station: Talker, page: int, at: int, connector: int = 1) -> None:
    """Charge 12 345.6 Wh on a register that begins anew each time, signed on the page given."""
    number = await station.start(wh=1000, minutes=at, connector=connector)
    told = station.at(at + 60)
    payload = {"transactionId": number, "meterStop": 13_346, "timestamp": told}
    await station.call("StopTransaction", payload | signed(transaction(MeterState("METER-1", page=page)), told))


async def copied(_: World, station: Talker) -> None:
    await with_record(station, 28, 0)
    await with_record(station, 28, 70)


async def copied_after_a_restart(world: World, station: Talker) -> None:
    await with_record(station, 28, 0)
    world.forget()
    await with_record(station, 28, 70)


async def copied_to_the_other_evse(_: World, station: Talker) -> None:
    await with_record(station, 28, 0)
    await with_record(station, 28, 10, connector=2)


async def copied_much_later(world: World, station: Talker) -> None:
    for number in range(10):
        await with_record(station, 28 + number, 70 * number)
    world.forget()
    await with_record(station, 28, 700)


async def page_left_out(_: World, station: Talker) -> None:
    await with_record(station, 28, 0)
    await with_record(station, 31, 70)


def event(kind: str, seq: int, wh: int, **more: Any) -> dict[str, Any]:
    at = (AT + timedelta(minutes=seq)).isoformat()
    return {
        "eventType": kind,
        "timestamp": at,
        "triggerReason": "Authorized",
        "seqNo": seq,
        "transactionInfo": {"transactionId": "T1"},
        "evse": {"id": 1},
        "idToken": {"idToken": "CARD", "type": "ISO14443"},
        "meterValue": [{"timestamp": at, "sampledValue": [{"value": wh, **more}]}],
    }


async def event_left_out(world: World, _: Talker) -> None:
    station = Talker(world, "ST1", Version.V201)
    await station.call("TransactionEvent", event("Started", 0, 1000))
    await station.call("TransactionEvent", event("Ended", 5, 2000))


async def never_filled(world: World, _: Talker) -> None:
    station = Talker(world, "ST1", Version.V201)
    await station.call("TransactionEvent", event("Started", 0, 1000))
    await station.call("TransactionEvent", event("Updated", 5, 1100))
    clock = world.clock = StillClock(AT + timedelta(minutes=15))
    await station.call("Heartbeat", {})
    await OpenKeeper(world, OPERATOR).round()
    clock.at += timedelta(minutes=1)
    await station.call("TransactionEvent", event("Ended", 6, 2000))


async def stripped(_: World, station: Talker) -> None:
    await charged(station, 1000, 2000)


async def never_stopped(world: World, station: Talker) -> None:
    await station.start()
    await charged(station, 3000, 4000, 30, 60)
    assert isinstance(world.clock, TestClock)
    world.clock.at += timedelta(minutes=6)
    await OpenKeeper(world, OPERATOR).round()


ATTACKS: list[tuple[str, Station, Act]] = [
    ("negative_register", PLAIN, negative),
    ("implausible_register", PLAIN, beyond_any_meter),
    ("register_decreased", PLAIN, lowered),
    ("register_decreased", PLAIN, below_its_start),
    ("register_jumped", PLAIN, jumped),
    ("register_rolled_back", PLAIN, rolled_back),
    ("register_rolled_back", PLAIN, rolled_back_behind_an_open_one),
    ("end_before_start", PLAIN, backwards),
    ("time_implausible", PLAIN, from_1970),
    ("recorded_late", PLAIN, days_late),
    ("time_differs", PLAIN, hours_late),
    ("clock_ahead", PLAIN, a_zone_ahead),
    ("held_back", PLAIN, held_back),
    ("clock_jumped", PLAIN, set_back),
    ("clock_jumped", PLAIN, set_ahead),
    ("implausible_energy", PLAIN, lifetime_told),
    ("energy_beyond_rating", PLAIN, faster_than_possible),
    ("energy_beyond_rating", PLAIN, faster_than_any),
    ("energy_scale_doubtful", PLAIN, kwh_for_wh),
    ("session_overlap", PLAIN, told_twice_at_once),
    ("session_overlap", PLAIN, at_the_same_time),
    ("unaccounted_energy", PLAIN, some_went_by),
    ("unaccounted_session", PLAIN, one_went_by),
    ("evidence_replayed", SIGNING, copied),
    ("evidence_replayed", SIGNING, copied_after_a_restart),
    ("evidence_replayed", SIGNING, copied_to_the_other_evse),
    ("evidence_replayed", SIGNING, copied_much_later),
    ("pagination_gap", SIGNING, page_left_out),
    ("sequence_gap", PLAIN, event_left_out),
    ("messages_missing", PLAIN, never_filled),
    ("evidence_below_pin", SIGNING, stripped),
    ("missing_stop", PLAIN, never_stopped),
]
NAMES = [act.__name__ for _, _, act in ATTACKS]


async def attacked(station: Station, act: Act, watch: Watch) -> list[Transaction]:
    world = make_world()
    world.watch = watch
    await enrol(world, station)
    await add_token(world, "CARD")
    await act(world, Talker(world, "ST1"))
    assert await troubles(world) == []
    return await transactions(world)


def codes(found: list[Transaction]) -> set[str]:
    return {note.code for t in found for note in (*t.alarms, *t.findings)}


def refused(found: list[Transaction]) -> set[str | None]:
    return {t.reason for t in found if t.billing is Billing.QUARANTINED}


@pytest.mark.parametrize(("code", "station", "act"), ATTACKS, ids=NAMES)
async def test_an_attack_is_caught(code: str, station: Station, act: Act) -> None:
    found = await attacked(station, act, Watch())
    assert code in codes(found)
    quarantines = EFFECTS[code] in {Effect.QUARANTINE, Effect.ALARM_AND_QUARANTINE}
    assert refused(found) == ({code} if quarantines else set())


@pytest.mark.parametrize(("code", "station", "act"), ATTACKS, ids=NAMES)
async def test_negative_control_without_its_detector_the_attack_passes(code: str, station: Station, act: Act) -> None:
    found = await attacked(station, act, Watch([each for each in DETECTORS if each.code != code]))
    assert code not in codes(found)
    assert refused(found) == set()


def test_every_detector_has_an_attack() -> None:
    by_the_clock = {Moment.SILENCE, Moment.TOGETHER, Moment.USED}
    of_charges = {each.code for each in DETECTORS if not each.moments & by_the_clock}
    assert {code for code, _, _ in ATTACKS} == of_charges
