"""Messages of a session that are missing by their numbers: filled later it was an outage, never filled an attack."""

from datetime import timedelta
from typing import Any

import pytest
from tests.support.answering import OPERATOR
from tests.support.cpo_world import AT, Talker, TestClock, add_token, enrol, make_world, transactions
from tests.support.proving import troubles

from wattseal.flow.charges.gaps import GAP, OpenGap, _judge
from wattseal.flow.charges.open_transactions import OpenKeeper
from wattseal.flow.documents import ALARM, read
from wattseal.flow.world import World
from wattseal.model.alarm import Alarm
from wattseal.watch import DETECTORS, Watch
from wattseal.wire.ocpp.version import Version

CODE = "messages_missing"


@pytest.fixture
async def world() -> World:
    made = make_world()
    await enrol(made, "ST1")
    await add_token(made, "CARD")
    return made


def event(kind: str, seq: int) -> dict[str, Any]:
    at = (AT + timedelta(seconds=10 * seq)).isoformat()
    payload = {
        "eventType": kind,
        "timestamp": at,
        "triggerReason": "Authorized",
        "seqNo": seq,
        "transactionInfo": {"transactionId": "T1"},
        "evse": {"id": 1},
        "meterValue": [{"timestamp": at, "sampledValue": [{"value": 1000 + 100 * seq}]}],
    }
    return payload | ({"idToken": {"idToken": "CARD", "type": "ISO14443"}} if kind == "Started" else {})


async def tell(world: World, *numbers: int, end: int = 20) -> None:
    station = Talker(world, "ST1", Version.V201)
    for number in numbers:
        kind = "Started" if number == 0 else "Ended" if number == end else "Updated"
        await station.call("TransactionEvent", event(kind, number))


async def wait(world: World, minutes: float, *, heard: bool = True) -> None:
    assert isinstance(world.clock, TestClock)
    world.clock.at += timedelta(minutes=minutes)
    if heard:
        await Talker(world, "ST1", Version.V201).call("Heartbeat", {})
    await OpenKeeper(world, OPERATOR).round()


async def standing(world: World) -> set[str]:
    return {read(d, Alarm).code for d in await world.journal.documents(world.tenant, ALARM, active=True)}


async def alarms(world: World) -> list[Alarm]:
    found = [read(d, Alarm) for d in await world.journal.documents(world.tenant, ALARM)]
    return [each for each in found if each.code == CODE]


async def test_a_gap_that_stays_open_is_an_alarm_that_names_what_is_missing(world: World) -> None:
    await tell(world, 0, 1, 4)
    await wait(world, 4)
    assert await alarms(world) == []
    await wait(world, 1)
    [alarm] = await alarms(world)
    assert alarm.detail.startswith("2, 3 not filled for 300 s")
    [session] = await transactions(world)
    assert alarm.transaction == session.id
    assert [note.code for note in session.alarms] == [CODE]
    await wait(world, 10)
    assert len(await alarms(world)) == 1
    assert await troubles(world) == []


async def test_ten_messages_after_it_are_long_enough(world: World) -> None:
    await tell(world, 0, *range(2, 12))
    await wait(world, 0)
    assert await alarms(world) == []
    await tell(world, 12)
    await wait(world, 0)
    [alarm] = await alarms(world)
    assert alarm.detail.startswith("1 not filled")


async def test_a_gap_that_is_filled_in_time_was_an_outage(world: World) -> None:
    await tell(world, 0, 3, 1, 2)
    await wait(world, 30)
    assert await alarms(world) == []
    assert await world.journal.documents(world.tenant, GAP) == ()
    assert await troubles(world) == []


@pytest.mark.parametrize("late", [(1, 2), (2, 1)])
async def test_an_alarm_is_over_once_the_messages_come(world: World, late: tuple[int, ...]) -> None:
    await tell(world, 0, 3)
    await wait(world, 6)
    await tell(world, *late)
    await wait(world, 1)
    [alarm] = await alarms(world)
    assert alarm.over_ms is not None
    [session] = await transactions(world)
    assert session.alarms == ()
    assert "sequence_healed" in {note.code for note in session.findings}
    assert await world.journal.documents(world.tenant, GAP) == ()
    assert await troubles(world) == []


async def test_a_start_that_does_not_come_is_missing_too_and_may_still_come(world: World) -> None:
    await tell(world, 1, 2)
    await wait(world, 6)
    [alarm] = await alarms(world)
    assert alarm.detail.startswith("the start not filled")
    await tell(world, 0)
    await wait(world, 1)
    [alarm] = await alarms(world)
    assert alarm.over_ms is not None
    assert await troubles(world) == []


async def test_a_session_that_has_ended_is_not_forgotten_over_a_restart(world: World) -> None:
    await tell(world, 0, 1, 20)
    world.forget()
    await wait(world, 1)
    await wait(world, 6)
    [alarm] = await alarms(world)
    assert alarm.detail.startswith("2, 3, 4")
    world.forget()
    await tell(world, *range(2, 20))
    await wait(world, 1)
    [alarm] = await alarms(world)
    assert alarm.over_ms is not None
    assert await troubles(world) == []


async def test_while_a_station_is_away_nothing_can_be_filled(world: World) -> None:
    await tell(world, 0, 2)
    await wait(world, 60, heard=False)
    assert await alarms(world) == []
    await wait(world, 0)
    assert await alarms(world) == []
    await wait(world, 4)
    assert await alarms(world) == []
    await wait(world, 2)
    assert len(await alarms(world)) == 1


async def test_a_session_that_has_no_stop_though_its_evse_is_free_is_told(world: World) -> None:
    await tell(world, 0, 1, 2)
    station = Talker(world, "ST1", Version.V201)
    status = {"connectorStatus": "Available", "evseId": 1, "connectorId": 1, "timestamp": AT.isoformat()}
    await station.call("StatusNotification", status)
    await wait(world, 4)
    assert [note.code for each in await transactions(world) for note in each.alarms] == []
    await wait(world, 2)
    assert [note.code for each in await transactions(world) for note in each.alarms] == ["missing_stop"]
    assert await standing(world) == {"missing_stop"}
    await tell(world, 3, end=3)
    assert await standing(world) == set()


async def test_negative_control_without_its_detector_nobody_hears_of_it(world: World) -> None:
    world.watch = Watch([each for each in DETECTORS if each.code != CODE])
    await tell(world, 0, 1, 4)
    await wait(world, 60)
    assert await alarms(world) == []


async def test_sessions_from_a_queue_do_not_say_that_the_evse_has_gone_on(world: World) -> None:
    station = Talker(world, "ST1")
    later = await station.start(wh=5000, minutes=61)
    await station.stop(await station.start(wh=1000, minutes=0), 5000, minutes=60)
    await wait(world, 10)
    assert [note.code for each in await transactions(world) for note in each.alarms] == []
    await station.stop(later, 9000, minutes=120)


async def test_a_gap_that_was_filled_while_it_was_looked_at_is_not_told_for_the_one_after_it(world: World) -> None:
    await tell(world, 0, 2)
    (document,) = await world.journal.documents(world.tenant, GAP, active=True)
    await tell(world, 1)
    assert isinstance(world.clock, TestClock)
    await tell(world, 4)
    for _ in range(3):
        world.clock.at += timedelta(minutes=4)
        await Talker(world, "ST1", Version.V201).call("Heartbeat", {})
    await _judge(world, document, read(document, OpenGap))
    assert await alarms(world) == []
    await wait(world, 4)
    (alarm,) = await alarms(world)
    assert (alarm.over_ms, "3" in alarm.detail) == (None, True)


async def test_a_gap_over_a_restart_is_the_same_one_and_its_alarm_is_over_once_it_is_filled(world: World) -> None:
    await tell(world, 2)
    await wait(world, 1)
    await tell(world, 0)
    await wait(world, 6)
    assert len(await alarms(world)) == 1
    world.forget()
    await tell(world, 1)
    await wait(world, 1)
    [alarm] = await alarms(world)
    assert alarm.over_ms is not None


async def test_a_gap_that_opens_at_once_after_another_was_filled_is_told_too_and_ends_the_first(world: World) -> None:
    await tell(world, 0, 2)
    await wait(world, 6)
    await tell(world, 1, 4)
    await wait(world, 6)
    assert sorted(alarm.over_ms is None for alarm in await alarms(world)) == [False, True]
