"""Reservations: what stations, drivers and time make of them."""

from datetime import timedelta
from typing import Any

import pytest
from tests.support.answering import OPERATOR, Answering, Reply, refusal
from tests.support.cpo_world import AT, Talker, TestClock, add_token, enrol, make_world, transactions

from wattseal.base.errors import InputError
from wattseal.base.ids import StationId
from wattseal.flow.commands import send, send_payload
from wattseal.flow.drivers.reservations import expire, find_reservation, list_reservations
from wattseal.flow.drivers.reserving import Wish, cancel, reserve
from wattseal.flow.ports import Silence
from wattseal.flow.world import World
from wattseal.model.reservation import Reservation, ReservationStatus, ReserveRequested
from wattseal.model.token import IdToken
from wattseal.wire.ocpp.version import Version

V16, V201, V21 = Version
STATION = StationId("ST1")
CARD = IdToken("CARD", "ISO14443")
UNTIL = AT + timedelta(hours=1)


@pytest.fixture
async def world() -> World:
    made = make_world()
    await enrol(made, "ST1")
    await add_token(made, "CARD")
    await add_token(made, "OTHER")
    return made


def wish(**more: Any) -> Wish:
    return Wish(id_token=CARD, expires_at=UNTIL, **more)


async def reserved(world: World, version: Version = V201, reply: Reply | None = None) -> Reservation:
    world.lines = Answering(version, {"ReserveNow": reply or {"status": "Accepted"}})
    return (await reserve(world, OPERATOR, STATION, wish(evse_id=1)))[1]


async def now(world: World, known: Reservation) -> Reservation:
    found = await find_reservation(world, "ST1", known.id)
    assert found is not None
    return found


@pytest.mark.parametrize("version", Version)
@pytest.mark.parametrize("status", ["Accepted", "Faulted", "Occupied", "Rejected", "Unavailable"])
async def test_a_reservation_stands_as_the_station_answered(world: World, version: Version, status: str) -> None:
    known = await reserved(world, version, {"status": status})
    assert (known.status, known.asked_by) == (ReservationStatus(status.lower()), "operator")
    active = await list_reservations(world, station_id="ST1", active=True, after="", limit=10)
    assert len(active) == (1 if status == "Accepted" else 0)


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (Silence.TIMED_OUT, "unanswered"),
        (Silence.BUSY, "rejected"),
        (refusal("ReserveNow"), "rejected"),
        ({"state": "odd"}, "unanswered"),
    ],
)
async def test_without_an_answer_it_may_be_held_or_not(world: World, reply: Reply, status: str) -> None:
    assert (await reserved(world, reply=reply)).status == status


async def test_at_a_station_that_is_away_nothing_is_reserved(world: World) -> None:
    world.lines = Answering(None)
    assert (await reserve(world, OPERATOR, STATION, wish()))[1].status is ReservationStatus.REJECTED


@pytest.mark.parametrize(
    "bad",
    [
        Wish(id_token=CARD, expires_at=AT - timedelta(minutes=1)),
        Wish(id_token=CARD, expires_at=AT + timedelta(days=90)),
        wish(evse_id=1, connector_type="cCCS2"),
        wish(connector_type="cCCS2"),
        Wish(id_token=IdToken("A" * 21, "ISO14443"), expires_at=UNTIL),
    ],
)
async def test_what_cannot_be_reserved_is_not_asked_for(world: World, bad: Wish) -> None:
    lines = Answering(V16)
    world.lines = lines
    with pytest.raises(InputError):
        await reserve(world, OPERATOR, STATION, bad)
    assert lines.asked == []


async def test_a_raw_command_is_kept_the_same_and_its_id_again_replaces_it(world: World) -> None:
    world.lines = Answering(V201, {"ReserveNow": {"status": "Accepted"}})
    body = b'{"id":7,"expiryDateTime":"2027-01-15T09:00:00Z","idToken":{"idToken":"%b","type":"ISO14443"}}'
    for card in (b"CARD", b"OTHER"):
        await send_payload(world, OPERATOR, STATION, "ReserveNow", body % card)
    ((_, kept),) = await list_reservations(world, station_id=None, active=None, after="", limit=10)
    assert (kept.id, kept.id_token.value, kept.evse_id) == (7, "OTHER", None)
    world.lines = Answering(V201, {"ReserveNow": {"status": "Occupied"}})
    await send(world, OPERATOR, STATION, ReserveRequested(7, CARD, UNTIL))
    assert (await now(world, kept)).id_token.value == "OTHER"


@pytest.mark.parametrize(("answer", "status"), [("Accepted", "cancelled"), ("Rejected", "removed")])
async def test_a_reservation_is_cancelled(world: World, answer: str, status: str) -> None:
    known = await reserved(world)
    world.lines = Answering(V201, {"CancelReservation": {"status": answer}})
    assert (await cancel(world, OPERATOR, known))[1].status == status


@pytest.mark.parametrize(("version", "word"), [(V201, "Expired"), (V201, "Removed"), (V21, "NoTransaction")])
async def test_the_station_ends_a_reservation(world: World, version: Version, word: str) -> None:
    known = await reserved(world, version)
    update = {"reservationId": known.id, "reservationUpdateStatus": word}
    assert await Talker(world, "ST1", version).call("ReservationStatusUpdate", update) == {}
    assert (await now(world, known)).status.value.replace("_", "") == word.lower()


async def test_an_unknown_reservation_that_ends_is_acknowledged(world: World) -> None:
    update = {"reservationId": 99, "reservationUpdateStatus": "Expired"}
    assert await Talker(world, "ST1", V201).call("ReservationStatusUpdate", update) == {}
    assert world.counters["reservation_unknown"] == 1


async def test_time_ends_a_reservation(world: World) -> None:
    known = await reserved(world)
    assert await expire(world) == 0
    assert isinstance(world.clock, TestClock)
    world.clock.at = UNTIL
    assert await expire(world) == 1
    assert (await now(world, known)).status is ReservationStatus.EXPIRED
    assert await expire(world) == 0


async def start(world: World, version: Version, card: str, number: int, minutes: int = 0) -> None:
    station = Talker(world, "ST1", version)
    if version is V16:
        told = {"connectorId": 1, "idTag": card, "meterStart": 0, "timestamp": station.at(minutes)}
        await station.call("StartTransaction", told | {"reservationId": number})
        return
    event = {"timestamp": station.at(minutes), "transactionInfo": {"transactionId": "T1"}, "evse": {"id": 1}}
    await station.call(
        "TransactionEvent", event | {"eventType": "Started", "triggerReason": "CablePluggedIn", "seqNo": 0}
    )
    more = {"idToken": {"idToken": card, "type": "ISO14443"}, "reservationId": number}
    await station.call(
        "TransactionEvent", event | more | {"eventType": "Updated", "triggerReason": "Authorized", "seqNo": 1}
    )


@pytest.mark.parametrize("version", Version)
async def test_a_transaction_uses_its_reservation(world: World, version: Version) -> None:
    known = await reserved(world, version)
    await start(world, version, "CARD", known.id)
    (charged,) = await transactions(world)
    found = await now(world, known)
    assert (found.status, found.transaction) == (ReservationStatus.USED, charged.id)
    assert not {f.code for f in (*charged.findings, *charged.alarms)} & {
        "reservation_unknown",
        "reservation_of_another",
    }
    update = {"reservationId": known.id, "reservationUpdateStatus": "Removed"}
    if version is not V16:
        await Talker(world, "ST1", version).call("ReservationStatusUpdate", update)
    assert (await now(world, known)).status is ReservationStatus.USED


async def test_a_start_told_late_still_uses_its_reservation(world: World) -> None:
    known = await reserved(world, V16)
    assert isinstance(world.clock, TestClock)
    world.clock.at = UNTIL
    await expire(world)
    await start(world, V16, "CARD", known.id, 10)
    assert (await now(world, known)).status is ReservationStatus.USED


@pytest.mark.parametrize("version", Version)
async def test_odd_uses_are_noted(world: World, version: Version) -> None:
    known = await reserved(world, version)
    await start(world, version, "OTHER", known.id)
    (charged,) = await transactions(world)
    assert "reservation_of_another" in {a.code for a in charged.alarms}
    station = Talker(world, "ST1")
    for number, code in ((known.id, "reservation_used_twice"), (5, "reservation_unknown")):
        told = {"connectorId": 2, "idTag": "CARD", "meterStart": number, "timestamp": station.at()}
        await station.call("StartTransaction", told | {"reservationId": number})
        assert code in {f.code for t in await transactions(world) for f in t.findings}
