"""Charges that nobody pays are noted, and their stations asked to stop: until they have, and never without end."""

from datetime import timedelta
from typing import Any

import pytest
from tests.flow.test_own_risk import CARD, event, silent_emsp
from tests.support.answering import Answering, Reply
from tests.support.cpo_world import Talker, TestClock, add_token, enrol, make_world, transactions
from tests.support.proving import troubles

from wattseal.flow.charges import stopping
from wattseal.flow.money.watching import Watch, look
from wattseal.flow.ports import Silence
from wattseal.flow.world import World
from wattseal.model.transaction import Transaction
from wattseal.rules.hold_policy import HoldPolicy, OwnRisk
from wattseal.wire.ocpp.version import Version

V16, V201, _ = Version
ACCEPTED: dict[str, Reply] = {
    "RemoteStopTransaction": {"status": "Accepted"},
    "RequestStopTransaction": {"status": "Accepted"},
}


@pytest.fixture
async def world() -> World:
    made = make_world()
    await enrol(made, "ST1")
    await add_token(made, "CARD")
    return made


def wait(world: World, seconds: float) -> None:
    assert isinstance(world.clock, TestClock)
    world.clock.at += timedelta(seconds=seconds)


def lines(world: World, version: Version, replies: Any = None) -> Answering:
    made = Answering(version, dict(replies or ACCEPTED))
    world.lines = made
    return made


async def turn(world: World, watch: Watch) -> None:
    """Do what the timer does, one after the other."""
    await look(world, watch)
    for one in stopping.due(world, watch.stopping):
        await stopping.ask(world, watch.stopping, one)


async def only(world: World) -> Transaction:
    (found,) = await transactions(world)
    return found


def codes(transaction: Transaction) -> set[str]:
    return {note.code for note in (*transaction.findings, *transaction.alarms)}


@pytest.mark.parametrize(("version", "action"), [(V16, "RemoteStopTransaction"), (V201, "RequestStopTransaction")])
async def test_a_station_that_charges_without_authorisation_is_asked_to_stop(
    world: World, version: Version, action: str
) -> None:
    line, watch, station = lines(world, version), Watch(), Talker(world, "ST1", version)
    if version is V16:
        number: Any = await station.start("STRANGER")
    else:
        number = "TX1"
        await station.call("TransactionEvent", event("Started", 0, 0, idToken=CARD | {"idToken": "STRANGER"}))
    await turn(world, watch)
    assert line.asked == []
    wait(world, 20)
    await turn(world, watch)
    assert line.asked == [(action, {"transactionId": number})]
    assert "stop_not_authorised" in codes(await only(world))
    await turn(world, watch)
    assert len(line.asked) == 1
    assert await troubles(world) == []


async def test_an_authorised_charge_goes_on(world: World) -> None:
    line, watch = lines(world, V16), Watch()
    await Talker(world, "ST1").start()
    wait(world, 3600)
    await turn(world, watch)
    assert line.asked == []
    assert codes(await only(world)) == set()


async def test_one_that_waits_for_its_driver_goes_on(world: World) -> None:
    line, watch = lines(world, V201), Watch()
    await Talker(world, "ST1", V201).call("TransactionEvent", event("Started", 0, 0))
    wait(world, 3600)
    await turn(world, watch)
    assert line.asked == []


async def test_no_energy_is_not_stopped(world: World) -> None:
    line, watch, station = lines(world, V201), Watch(), Talker(world, "ST1", V201)
    stranger = CARD | {"idToken": "STRANGER"}
    info = {"transactionId": "TX1", "chargingState": "EVConnected"}
    await station.call("TransactionEvent", event("Started", 0, 0, idToken=stranger, transactionInfo=info))
    wait(world, 3600)
    await turn(world, watch)
    assert line.asked == []


async def test_a_driver_who_comes_later_and_pays_is_not_stopped_for_the_stranger(world: World) -> None:
    line, watch, station = lines(world, V201, {"RequestStopTransaction": {"status": "Rejected"}}), Watch(), None
    station = Talker(world, "ST1", V201)
    await station.call("TransactionEvent", event("Started", 0, 0, idToken=CARD | {"idToken": "STRANGER"}))
    wait(world, 20)
    await turn(world, watch)
    await station.call("TransactionEvent", event("Updated", 1, 10, idToken=CARD))
    wait(world, 3600)
    await turn(world, watch)
    assert len(line.asked) == 1


@pytest.mark.parametrize("reply", [Silence.TIMED_OUT, {"status": "Rejected"}])
async def test_a_station_that_does_not_obey_is_asked_again_but_not_for_ever(world: World, reply: Reply) -> None:
    line, watch = lines(world, V16, {"RemoteStopTransaction": reply}), Watch()
    await Talker(world, "ST1").start("STRANGER")
    for _ in range(3 * stopping.MAX_ASKED):
        wait(world, 61)
        await turn(world, watch)
    assert len(line.asked) == stopping.MAX_ASKED


async def test_an_offline_station_is_asked_once_it_is_back_after_a_restart_as_well(world: World) -> None:
    line, watch, station = lines(world, V16), Watch(), Talker(world, "ST1")
    line.speaks = None
    await station.start("STRANGER")
    wait(world, 20)
    await turn(world, watch)
    assert line.asked == []
    assert "stop_not_authorised" in codes(await only(world))
    world.forget()
    await station.call("Heartbeat", {})
    line.speaks = V16
    await turn(world, Watch())
    assert [action for action, _ in line.asked] == ["RemoteStopTransaction"]


async def test_what_a_station_delivers_after_being_asked_is_recorded_all_the_same(world: World) -> None:
    line, watch, station = lines(world, V16), Watch(), Talker(world, "ST1")
    number = await station.start("STRANGER")
    wait(world, 20)
    await turn(world, watch)
    await station.stop(number, 9000)
    found = await only(world)
    assert found.energy_wh == 8000
    assert found.reason == "not_authorised"
    await turn(world, watch)
    assert len(line.asked) == 1


async def test_a_charge_at_the_cpos_own_risk_stops_at_its_cap() -> None:
    world = await silent_emsp(HoldPolicy(unreachable=OwnRisk.CAPPED, unreachable_cap_wh=3000))
    line, watch, station = lines(world, V16), Watch(), Talker(world, "ST1")
    number = await station.start()
    for wh in (1000, 2000):
        wait(world, 60)
        await station.meter(number, 1000 + wh, minutes=1)
        await turn(world, watch)
        if wh == 1000:
            assert line.asked == []
    assert line.asked == [("RemoteStopTransaction", {"transactionId": number})]
    assert "cap_reached" in codes(await only(world))
    await station.stop(number, 1000 + 2900)
    assert (await only(world)).reason is None
