"""A message that meets a fault of ours: kept as it came, told by an alarm, and the station's queue goes on."""

import json
from dataclasses import dataclass
from typing import Any, cast

import pytest
from tests.support.cpo_world import add_token, enrol, make_world, transactions
from tests.support.memory_journal import MemoryJournal

from wattseal.app import processing
from wattseal.app.cpo.endpoint import make_endpoint
from wattseal.app.doorman import Doorman
from wattseal.app.metrics import Traffic
from wattseal.base.ids import StationId
from wattseal.flow import dead_letters
from wattseal.flow.dead_letters import DEAD_LETTER, DeadLetter
from wattseal.flow.documents import ALARM, read
from wattseal.flow.handle import begin
from wattseal.flow.ports import Unflushed
from wattseal.flow.world import World
from wattseal.model.alarm import Alarm
from wattseal.model.principal import Principal
from wattseal.serve.ocpp_ws import StationConnection
from wattseal.wire.ocpp.rpc import Call, Connection
from wattseal.wire.ocpp.version import Fault, Refusal, Version


@dataclass
class Connected:
    station_id: StationId
    version: Version = Version.V16


@dataclass
class Station:
    """A station at the endpoint of a world."""

    world: World

    async def tell(self, action: str, payload: dict[str, Any]) -> Any:
        endpoint = make_endpoint(self.world, Doorman(self.world), Traffic())
        frame = json.dumps([2, "1", action, payload]).encode()
        call = Connection(Version.V16).receive(frame, self.world.clock.now())
        assert isinstance(call, Call)
        told = await endpoint.handle(cast("StationConnection", Connected(StationId("ST1"))), call)
        if isinstance(told, Unflushed):
            await told.flush
            told = told.payload
        return told if isinstance(told, Refusal) else json.loads(told)


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """Return a world in which the meterStop 666 meets a fault of ours."""
    made = make_world()
    await enrol(made, "ST1")
    await add_token(made, "CARD")

    async def faulty(world: World, principal: Principal, version: Version, call: Call) -> bytes | Refusal | Unflushed:
        if b"666" in call.raw:
            raise ZeroDivisionError
        return await begin(world, principal, version, call)

    monkeypatch.setattr(processing, "begin", faulty)
    return made


def start(wh: int) -> dict[str, Any]:
    return {"connectorId": 1, "idTag": "CARD", "meterStart": wh, "timestamp": "2027-01-15T08:00:00Z"}


def stop(number: int, wh: int) -> dict[str, Any]:
    return {"transactionId": number, "meterStop": wh, "timestamp": "2027-01-15T08:01:00Z"}


async def letters(world: World) -> list[DeadLetter]:
    return [read(found, DeadLetter) for found in await world.journal.documents(world.tenant, DEAD_LETTER)]


async def test_a_poison_message_is_put_aside_once_and_those_behind_it_go_on(world: World) -> None:
    station = Station(world)
    number = (await station.tell("StartTransaction", start(0)))["transactionId"]
    for _ in range(3):
        assert await station.tell("StopTransaction", stop(number, 666)) == {}
    assert "currentTime" in await station.tell("Heartbeat", {})
    await station.tell("StopTransaction", stop(number, 700))
    (letter,) = await letters(world)
    assert (letter.station_id, letter.action, letter.fault) == ("ST1", "StopTransaction", "ZeroDivisionError")
    assert json.loads(letter.frame)[3]["meterStop"] == 666
    alarms = [read(found, Alarm) for found in await world.journal.documents(world.tenant, ALARM)]
    assert {(alarm.code, alarm.field) for alarm in alarms} == {("message_not_processed", "StopTransaction")}
    (ended,) = await transactions(world)
    assert ended.end_wh == 700


async def test_a_start_is_kept_and_answered_with_the_error_for_it_needs_an_id(world: World) -> None:
    with pytest.raises(ZeroDivisionError):
        await Station(world).tell("StartTransaction", start(666))
    (letter,) = await letters(world)
    assert letter.action == "StartTransaction"


async def test_other_messages_are_not_kept(world: World) -> None:
    with pytest.raises(ZeroDivisionError):
        await Station(world).tell("DataTransfer", {"vendorId": "666"})
    assert await letters(world) == []


async def test_what_a_station_can_have_put_aside_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dead_letters, "MAX_LETTERS", 2)
    station = Station(world)
    for number in (1, 2):
        assert await station.tell("StopTransaction", stop(number, 666)) == {}
    with pytest.raises(ZeroDivisionError):
        await station.tell("StopTransaction", stop(3, 666))
    assert await station.tell("StopTransaction", stop(2, 666)) == {}, "a retry of one that is kept"
    assert len(await letters(world)) == 2


async def test_when_nothing_can_be_kept_nothing_is_answered(world: World) -> None:
    assert isinstance(world.journal, MemoryJournal)
    station = Station(world)
    await station.tell("Heartbeat", {})
    world.journal.broken = True
    with pytest.raises(Exception, match="disk is full"):
        await station.tell("StopTransaction", stop(1, 666))


async def test_what_departs_from_its_schema_beyond_reading_is_refused_and_kept(world: World) -> None:
    station = Station(world)
    number = (await station.tell("StartTransaction", start(0)))["transactionId"]
    broken = stop(number, 700) | {"timestamp": "yesterday"}
    refused, again = [await station.tell("StopTransaction", broken) for _ in range(2)]
    assert isinstance(refused, Refusal)
    assert refused == again
    assert refused.fault is Fault.VALUE
    (letter,) = await letters(world)
    assert (letter.action, letter.fault) == ("StopTransaction", refused.text)
    assert json.loads(letter.frame)[3]["meterStop"] == 700
    alarms = [read(found, Alarm) for found in await world.journal.documents(world.tenant, ALARM)]
    assert [alarm.code for alarm in alarms] == ["message_not_processed"]


async def test_a_stop_with_a_field_of_the_vendors_and_a_null_ends_its_charge(world: World) -> None:
    station = Station(world)
    number = (await station.tell("StartTransaction", start(0) | {"reservationId": None}))["transactionId"]
    assert await station.tell("StopTransaction", stop(number, 700) | {"idTag": None, "vendorState": 3}) == {}
    (ended,) = await transactions(world)
    assert ended.end_wh == 700
    told = [(one.field, one.detail) for one in ended.findings if one.code == "schema_departed"]
    assert told == [("reservationId", "null"), ("idTag", "null"), ("vendorState", "unknown")]
    assert await letters(world) == []


@pytest.mark.parametrize("action", ["StatusNotification", "Authorize", "Heartbeat"])
async def test_what_is_no_transactions_and_cannot_be_read_is_not_kept(world: World, action: str) -> None:
    assert isinstance(await Station(world).tell(action, {"vendorState": 3}), Refusal)
    assert await letters(world) == []
