"""A card at two places: both sessions are noted; what one driver can do is not."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import pytest
from tests.support.cpo_world import Talker, TestClock, add_token, enrol, make_world, transactions

from wattseal.flow.charges.token_uses import BEFORE_OTHERS, UseKeeper
from wattseal.flow.documents import ALARM, read
from wattseal.flow.fleet.sites import put_site
from wattseal.flow.world import World
from wattseal.model.alarm import Alarm
from wattseal.model.site import Site
from wattseal.model.station import Station
from wattseal.model.transaction import Billing
from wattseal.watch import DETECTORS, Watch
from wattseal.watch.cloned_token import distance_km, least_ms

PLACES = {
    "BERLIN": ("52.520008", "13.404954"),
    "MUNICH": ("48.137154", "11.576124"),
    "CORNER": ("52.520500", "13.4060"),
}


@dataclass
class Fleet:
    world: World
    keeper: UseKeeper
    codes: dict[str, list[str]] = field(default_factory=dict)

    async def later(self, minutes: float) -> None:
        cast("TestClock", self.world.clock).at += timedelta(minutes=minutes)
        await self.keeper.round()

    async def restart(self) -> None:
        self.world.forget()
        self.keeper = UseKeeper(self.world)

    async def noted(self) -> dict[str, set[str]]:
        """Return the codes about sessions' cards by station, of records and of alarms."""
        found: dict[str, set[str]] = {}
        for one in await transactions(self.world):
            found[one.station_id] = {note.code for note in (*one.alarms, *one.findings) if "token" in note.code}
        for document in await self.world.journal.documents(self.world.tenant, ALARM):
            alarm = read(document, Alarm)
            if "token" in alarm.code:
                found[alarm.station_id].add(alarm.code)
        return found

    def begin(self, station: str) -> Talker:
        return Talker(self.world, station)


@pytest.fixture
async def fleet() -> Fleet:
    world = make_world()
    for name, (latitude, longitude) in PLACES.items():
        site: dict[str, Any] = {
            "name": name,
            "address": "x",
            "city": "y",
            "country": "DEU",
            "time_zone": "Europe/Berlin",
        }
        await put_site(world, Site(id=name, latitude=latitude, longitude=longitude, **site))
        await enrol(world, Station(id=f"ST-{name}", site=name))
    await enrol(world, Station(id="ST-BERLIN2", site="BERLIN"))
    await enrol(world, "ST-NOWHERE")
    await add_token(world, "CARD")
    return Fleet(world, UseKeeper(world))


CLONED = {"cloned_token"}


async def test_two_sessions_at_once_far_apart_are_both_noted_and_wait_for_a_decision(fleet: Fleet) -> None:
    first, second = fleet.begin("ST-BERLIN"), fleet.begin("ST-MUNICH")
    one = await first.start(minutes=0)
    await fleet.later(30)
    await second.start(minutes=31)
    await first.meter(one, 5000, 40)
    await fleet.later(10)
    assert await fleet.noted() == {"ST-BERLIN": CLONED, "ST-MUNICH": CLONED}
    await first.stop(one, 9000, 60)
    found = {one.station_id: one.billing for one in await transactions(fleet.world)}
    assert found["ST-BERLIN"] is Billing.QUARANTINED


async def test_negative_control_without_its_detector_the_copy_is_not_noted(fleet: Fleet) -> None:
    fleet.world.watch = Watch([each for each in DETECTORS if each.code != "cloned_token"])
    first, second = fleet.begin("ST-BERLIN"), fleet.begin("ST-MUNICH")
    one = await first.start(minutes=0)
    await second.start(minutes=31)
    await first.meter(one, 5000, 40)
    await fleet.later(10)
    assert await fleet.noted() == {"ST-BERLIN": set(), "ST-MUNICH": set()}


async def test_the_second_place_is_reached_too_soon(fleet: Fleet) -> None:
    first, second = fleet.begin("ST-BERLIN"), fleet.begin("ST-MUNICH")
    await first.stop(await first.start(minutes=0), 5000, 60)
    await fleet.later(1)
    await fleet.restart()
    await second.start(minutes=120)
    await fleet.later(1)
    assert await fleet.noted() == {"ST-BERLIN": CLONED, "ST-MUNICH": CLONED}


async def test_who_takes_the_time_to_drive_is_not_noted(fleet: Fleet) -> None:
    first, second = fleet.begin("ST-BERLIN"), fleet.begin("ST-MUNICH")
    await first.stop(await first.start(minutes=0), 5000, 60)
    await fleet.later(1)
    await second.start(minutes=60 + 5 * 60)
    await fleet.later(1)
    assert await fleet.noted() == {"ST-BERLIN": set(), "ST-MUNICH": set()}


@pytest.mark.parametrize("other", ["ST-BERLIN2", "ST-CORNER"])
async def test_two_cars_at_one_place_are_no_clone(fleet: Fleet, other: str) -> None:
    first, second = fleet.begin("ST-BERLIN"), fleet.begin(other)
    one = await first.start(minutes=0)
    await second.start(minutes=10)
    await first.meter(one, 5000, 40)
    await fleet.later(1)
    assert "cloned_token" not in set().union(*(await fleet.noted()).values())


async def test_without_a_site_it_is_a_note_and_no_alarm(fleet: Fleet) -> None:
    first, second = fleet.begin("ST-BERLIN"), fleet.begin("ST-NOWHERE")
    one, two = await first.start(minutes=0), await second.start(minutes=10)
    await first.meter(one, 5000, 40)
    await second.meter(two, 5000, 40)
    await fleet.later(1)
    assert await fleet.noted() == {"ST-BERLIN": {"token_used_twice"}, "ST-NOWHERE": {"token_used_twice"}}
    assert await fleet.world.journal.documents(fleet.world.tenant, ALARM) == ()


async def test_a_station_that_was_cut_off_and_says_nothing_of_its_session_makes_no_clone(fleet: Fleet) -> None:
    await fleet.begin("ST-BERLIN").start(minutes=0)
    await fleet.later(1)
    await fleet.begin("ST-MUNICH").start(minutes=10 * 60)
    await fleet.later(1)
    assert await fleet.noted() == {"ST-BERLIN": set(), "ST-MUNICH": set()}


async def test_what_arrives_later_shows_that_both_ran(fleet: Fleet) -> None:
    first, second = fleet.begin("ST-BERLIN"), fleet.begin("ST-MUNICH")
    one = await first.start(minutes=0)
    await fleet.later(1)
    await second.stop(await second.start(minutes=600), 3000, 660)
    await fleet.later(1)
    assert await fleet.noted() == {"ST-BERLIN": set(), "ST-MUNICH": set()}
    await first.stop(one, 20_000, 640)
    await fleet.later(1)
    assert await fleet.noted() == {"ST-BERLIN": CLONED, "ST-MUNICH": CLONED}


def test_distances_and_times_are_those_of_the_globe() -> None:
    berlin, munich = (52.520008, 13.404954), (48.137154, 11.576124)
    assert 500 < distance_km(berlin, munich) < 510
    assert 2.4 < least_ms(504) / 3_600_000 < 2.7, "by car at 200 km/h"
    assert 9 < least_ms(6000) / 3_600_000 < 10, "by air"


async def test_over_a_card_of_a_whole_fleet_everybody_else_has_a_turn_meanwhile(fleet: Fleet) -> None:
    turns: list[float] = []

    async def pause(seconds: float) -> None:
        turns.append(seconds)

    fleet.world.pause = pause
    for number in range(20):
        await enrol(fleet.world, f"ST{number}")
        await fleet.begin(f"ST{number}").start(minutes=number // 4)
    await fleet.later(1)
    assert turns == [0] * (20 // BEFORE_OTHERS)
