"""Sessions of a site that end together: an alarm where their drivers did not end them."""

import pytest
from tests.support.answering import OPERATOR
from tests.support.cpo_world import Talker, add_token, enrol, make_world

from wattseal.flow.charges.open_transactions import OpenKeeper
from wattseal.flow.documents import ALARM, read
from wattseal.flow.fleet.maintenance import announce
from wattseal.flow.world import World
from wattseal.model.alarm import Alarm
from wattseal.model.station import Station
from wattseal.model.works import Cause
from wattseal.watch import DETECTORS, Watch

HERE = [f"ST{number}" for number in range(6)]


@pytest.fixture
async def world() -> World:
    """Return a world in which six cars charge at a site and two beside it."""
    made = make_world()
    for name in HERE:
        await enrol(made, Station(id=name, site="SITE"))
    for name in ("ELSE1", "ELSE2"):
        await enrol(made, name)
    await add_token(made, "CARD")
    return made


async def charging(world: World) -> dict[str, int]:
    return {name: await Talker(world, name).start() for name in (*HERE, "ELSE1", "ELSE2")}


async def stop(world: World, name: str, number: int, reason: str, minutes: int = 10) -> None:
    station = Talker(world, name)
    payload = {"transactionId": number, "meterStop": 2000, "timestamp": station.at(minutes), "reason": reason}
    await station.call("StopTransaction", payload)


async def alarms(world: World) -> list[Alarm]:
    await OpenKeeper(world, OPERATOR).round()
    found = [read(d, Alarm) for d in await world.journal.documents(world.tenant, ALARM)]
    return [each for each in found if each.code == "sessions_cut"]


@pytest.mark.parametrize("reason", ["PowerLoss", "Remote", "Other", "HardReset"])
async def test_half_of_a_sites_sessions_cut_in_a_minute_are_one_alarm_that_names_it(world: World, reason: str) -> None:
    numbers = await charging(world)
    for name in HERE[:2]:
        await stop(world, name, numbers[name], reason)
    assert await alarms(world) == []
    await stop(world, HERE[2], numbers[HERE[2]], reason)
    [alarm] = await alarms(world)
    assert (alarm.field, alarm.detail) == ("SITE", f"3 of 6 sessions in a minute: {reason} 3; ST0, ST1, ST2")
    assert len(await alarms(world)) == 1


async def test_drivers_who_leave_together_are_no_alarm(world: World) -> None:
    numbers = await charging(world)
    for name in HERE:
        await stop(world, name, numbers[name], "Local")
    assert await alarms(world) == []


async def test_the_few_of_many_and_the_slow_ones_are_none(world: World) -> None:
    numbers = await charging(world)
    for minute, name in enumerate(HERE):
        await stop(world, name, numbers[name], "Remote", 10 + 2 * minute)
        assert await alarms(world) == []


async def test_stations_of_two_sites_are_not_counted_together(world: World) -> None:
    numbers = await charging(world)
    for name in (HERE[0], HERE[1], "ELSE1", "ELSE2"):
        await stop(world, name, numbers[name], "PowerLoss")
    assert await alarms(world) == []


async def test_negative_control_without_its_detector_nobody_hears_of_it(world: World) -> None:
    world.watch = Watch([each for each in DETECTORS if each.code != "sessions_cut"])
    numbers = await charging(world)
    for name in HERE:
        await stop(world, name, numbers[name], "PowerLoss")
    assert await alarms(world) == []


async def test_what_announced_works_cut_is_no_alarm_and_what_vandals_do_is(world: World) -> None:
    numbers = await charging(world)
    now_ms = world.now_ms()
    for name in HERE[:3]:
        await announce(world, name, now_ms, now_ms + 3_600_000, Cause.MAINTENANCE)
        await announce(world, HERE[3], now_ms, now_ms + 3_600_000, Cause.VANDALISM)
    for name in HERE[:3]:
        await stop(world, name, numbers[name], "PowerLoss")
    assert await alarms(world) == []
    for name in HERE[3:]:
        await stop(world, name, numbers[name], "PowerLoss")
    [alarm] = await alarms(world)
    assert "ST3, ST4, ST5" in alarm.detail
