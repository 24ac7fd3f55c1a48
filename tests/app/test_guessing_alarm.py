"""Passwords tried out at the door: one alarm with figures, also over a restart, while the station gets in."""

import asyncio

import pytest
from tests.support.cpo_world import make_world

from wattseal.app import patience
from wattseal.app.doorman import Doorman
from wattseal.base.ids import StationId
from wattseal.flow.documents import ALARM, read
from wattseal.flow.fleet.enrol import enrol_station
from wattseal.flow.world import World
from wattseal.model.alarm import Alarm
from wattseal.model.station import Station
from wattseal.rules.guessing import TRIES
from wattseal.serve.ocpp_ws import Arrival

PASSWORD = b"sixteen-bytes-pw"


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(patience, "MAX_DELAY_S", 0.0)
    made = make_world()
    for name in ("ST1", "ST2", "ST3"):
        await enrol_station(made, Station(id=name), PASSWORD)
    return made


async def tries(doorman: Doorman, count: int, *stations: str, remote: str = "192.0.2.1") -> None:
    arrivals = [Arrival(StationId(stations[n % len(stations)]), b"wrong password %d" % n, remote) for n in range(count)]
    assert await asyncio.gather(*map(doorman.authenticate, arrivals)) == [None] * count


async def alarms(world: World) -> list[tuple[str, str, str]]:
    found = [read(document, Alarm) for document in await world.journal.documents(world.tenant, ALARM)]
    return [(each.code, each.station_id, each.field) for each in found]


async def test_guessing_a_stations_password_is_told_once_and_the_station_gets_in(world: World) -> None:
    doorman = Doorman(world)
    await tries(doorman, TRIES - 1, "ST1")
    assert await alarms(world) == []
    await tries(doorman, 10, "ST1")
    assert await alarms(world) == [("password_guessing", "ST1", "192.0.2.1")]
    assert await doorman.authenticate(Arrival(StationId("ST1"), PASSWORD, "192.0.2.1")) is not None


async def test_trying_many_stations_is_told_of_the_address(world: World) -> None:
    await tries(Doorman(world), TRIES + 10, "ST1", "ST2", "ST3", "NOBODY1", "NOBODY2")
    assert await alarms(world) == [("password_guessing", "", "192.0.2.1")]


async def test_a_restart_does_not_tell_it_again(world: World) -> None:
    await tries(Doorman(world), TRIES, "ST1")
    await tries(Doorman(world), TRIES, "ST1")
    assert len(await alarms(world)) == 1
