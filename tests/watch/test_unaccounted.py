"""A session that nobody tells of shows in the registers told by the clock; what explains them is no alarm."""

import pytest
from tests.support.cpo_world import Talker, add_token, enrol, make_world
from tests.support.proving import troubles
from tests.watch.test_attacks import PLAIN, charged

from wattseal.flow.documents import ALARM, read
from wattseal.flow.world import World
from wattseal.model.alarm import Alarm


async def idle(station: Talker, wh: int, minutes: int) -> None:
    """Tell a register outside of sessions, as stations do by the clock."""
    sample = {"value": str(wh), "context": "Sample.Clock"}
    values = [{"timestamp": station.at(minutes), "sampledValue": [sample]}]
    await station.call("MeterValues", {"connectorId": 1, "meterValue": values})


async def unaccounted(world: World) -> list[str]:
    found = [read(d, Alarm) for d in await world.journal.documents(world.tenant, ALARM)]
    return [each.detail for each in found if each.code == "unaccounted_session"]


async def idle_world() -> tuple[World, Talker]:
    world = make_world()
    await enrol(world, PLAIN)
    await add_token(world, "CARD")
    station = Talker(world, "ST1")
    await charged(station, 1000, 5000)
    return world, station


async def test_a_session_nobody_tells_of_is_seen_in_the_registers_told_by_the_clock() -> None:
    world, station = await idle_world()
    for minute in range(65, 95, 5):
        await idle(station, 5000 + 300 * (minute - 60), minute)
    assert await unaccounted(world) == ["3000 Wh in 600 s between two sessions"]
    assert await troubles(world) == []


async def test_what_a_queue_explains_within_minutes_is_no_alarm() -> None:
    world, station = await idle_world()
    await idle(station, 9000, 131)
    await charged(station, 5000, 9000, 70, 130)
    for minute in (136, 141, 200):
        await idle(station, 9001, minute)
    assert await unaccounted(world) == []


@pytest.mark.parametrize("runs", [False, True])
async def test_a_session_told_after_the_next_one_ends_the_alarm_about_it(runs: bool) -> None:  # noqa: FBT001
    world, station = await idle_world()
    number = await station.start(wh=9000, minutes=135)
    if not runs:
        await station.stop(number, 12_000, 170)
    assert await unaccounted(world) == ["4000 Wh in 4500 s between two sessions"]
    await charged(station, 5000, 9000, 70, 130)
    [document] = await world.journal.documents(world.tenant, ALARM)
    assert read(document, Alarm).over_ms is not None


async def test_a_session_that_runs_accounts_for_the_registers_told_by_the_clock() -> None:
    world, station = await idle_world()
    number = await station.start(wh=5000, minutes=61)
    for minute in range(65, 95, 5):
        await idle(station, 5000 + 300 * (minute - 60), minute)
    await station.stop(number, 16_000, 100)
    assert await unaccounted(world) == []


async def test_what_a_charger_draws_for_itself_is_no_session() -> None:
    world, station = await idle_world()
    for hour in range(2, 40):
        await idle(station, 5000 + 80 * hour, 60 * hour)
    assert await unaccounted(world) == []
