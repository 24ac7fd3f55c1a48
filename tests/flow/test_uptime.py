"""Ports are looked at, their history survives restarts, and announced maintenance excuses them."""

from datetime import timedelta
from decimal import Decimal

import pytest
from tests.support.cpo_world import AT, TestClock, enrol, make_world

from wattseal.base.errors import InputError
from wattseal.base.ids import StationId
from wattseal.flow.fleet.maintenance import announce, find_windows, withdraw
from wattseal.flow.fleet.uptime import Ports, station_uptime
from wattseal.flow.turn import remember_station
from wattseal.flow.world import World
from wattseal.model.station import EvseEnrolment, Station
from wattseal.model.works import Cause
from wattseal.rules.uptime import Uptime

HOUR_MS = 3_600_000
CP1 = Station(id="CP1", evses=(EvseEnrolment(id=1),))


class Site:
    """A world with one station, whose connection and status the test decides on."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.connected = True
        self.begin_ms = world.now_ms()

    @staticmethod
    async def open(world: World | None = None) -> "Site":
        site = Site(world or make_world())
        await enrol(site.world, CP1)
        site.ports = await Ports.load(site.world, lambda _station: site.connected)
        await site.status("Available")
        return site

    ports: Ports

    async def status(self, status: str) -> None:
        memory = await remember_station(self.world, StationId("CP1"))
        assert memory is not None
        memory.statuses[1] = status
        await self.ports.look()

    async def pass_hours(self, hours: float) -> None:
        clock = self.world.clock
        assert isinstance(clock, TestClock)
        clock.at += timedelta(hours=hours)

    async def uptime(self) -> Uptime:
        (port,) = await station_uptime(self.world, CP1, self.begin_ms, self.world.now_ms())
        return port.uptime


def hours(ms: int) -> int:
    return round(ms / HOUR_MS)


async def test_a_fault_and_a_lost_connection_are_outage() -> None:
    site = await Site.open()
    await site.pass_hours(7)
    await site.status("Faulted")
    await site.pass_hours(1)
    await site.status("Occupied")
    await site.pass_hours(1)
    site.connected = False
    await site.ports.look()
    await site.pass_hours(1)
    told = await site.uptime()
    assert (hours(told.known_ms), hours(told.outage_ms)) == (10, 2)
    assert told.nevi_percent == told.afir_percent
    assert told.afir_percent is not None
    assert Decimal("79.9") < told.afir_percent <= 80


async def test_announced_maintenance_is_excluded_by_nevi_only_until_it_is_withdrawn() -> None:
    site = await Site.open()
    begin_ms = site.world.now_ms()
    window = await announce(site.world, "CP1", begin_ms, begin_ms + 2 * HOUR_MS, Cause.MAINTENANCE)
    await site.status("Unavailable")
    await site.pass_hours(2)
    await site.status("Available")
    await site.pass_hours(2)
    told = await site.uptime()
    assert told.nevi_percent is not None
    assert told.afir_percent is not None
    assert told.nevi_percent > 99 > told.afir_percent
    assert await withdraw(site.world, window.id) is not None
    assert await find_windows(site.world, "CP1") == ()
    assert (await site.uptime()).excluded_ms == 0
    assert await withdraw(site.world, window.id) is None


async def test_what_happened_while_the_csms_was_down_is_nobodys_outage() -> None:
    site = await Site.open()
    await site.pass_hours(1)
    await site.ports.look()
    await site.pass_hours(5)
    site.world.forget()
    again = Site(site.world)
    again.begin_ms, again.connected = site.begin_ms, False
    again.ports = await Ports.load(site.world, lambda _station: again.connected)
    await again.ports.look()
    again.connected = True
    await again.status("Available")
    await again.pass_hours(1)
    told = await again.uptime()
    assert (hours(told.unknown_ms), hours(told.known_ms), told.outage_ms) == (5, 2, 0)


async def test_a_station_that_never_comes_back_after_a_restart_is_offline_once_it_had_time() -> None:
    site = await Site.open()
    site.world.forget()
    again = Site(site.world)
    again.connected, again.begin_ms = False, site.world.now_ms()
    again.ports = await Ports.load(site.world, lambda _station: False)
    await again.ports.look()
    await again.pass_hours(1)
    await again.ports.look()
    await again.pass_hours(1)
    told = await again.uptime()
    assert (hours(told.outage_ms), hours(told.unknown_ms)) == (1, 1)


async def test_history_goes_over_midnight_and_a_day_without_changes() -> None:
    site = await Site.open()
    await site.status("Faulted")
    await site.pass_hours(60)
    await site.status("Available")
    await site.pass_hours(12)
    site.begin_ms += 30 * HOUR_MS
    assert (hours((await site.uptime()).outage_ms), hours((await site.uptime()).known_ms)) == (30, 42)


@pytest.mark.parametrize("length_ms", [0, -1, 91 * 24 * HOUR_MS])
async def test_a_window_that_is_none_is_refused(length_ms: int) -> None:
    world = make_world()
    at_ms = int(AT.timestamp() * 1000)
    with pytest.raises(InputError):
        await announce(world, "CP1", at_ms, at_ms + length_ms, Cause.GRID)
