"""Sessions and bills newest first: by pages, of stations and sites, by where they stand."""

from typing import Any

import pytest
from tests.support.cpo_world import Talker, add_token, enrol
from tests.support.money import bill_all, billing_world

from wattseal.base.errors import InputError
from wattseal.flow import session_list
from wattseal.flow.fleet.sites import put_site
from wattseal.flow.session_list import NewestQuery, newest_bills, newest_sessions
from wattseal.flow.world import World
from wattseal.model.rollup import SessionState
from wattseal.model.site import Site
from wattseal.model.station import Station

PLACE = {"address": "a", "city": "c", "country": "DEU", "latitude": "1", "longitude": "2", "time_zone": "UTC"}


async def busy_world() -> World:
    """Return a world in which three stations, two of them on a site, charged in turns; the last charges yet."""
    world = await billing_world()
    await put_site(world, Site(id="SOUTH", name="South", **PLACE))
    for station in ("ST2", "ST3"):
        await enrol(world, Station(id=station, site="SOUTH"))
    await add_token(world, "CARD")
    for number in range(9):
        talker = Talker(world, f"ST{number % 3 + 1}")
        begin = 1000 + number * 1000
        transaction = await talker.start(wh=begin, minutes=number * 60)
        if number < 8:
            await talker.stop(transaction, begin + 500, minutes=number * 60 + 30)
    await bill_all(world)
    return world


async def listed(world: World, **asked: Any) -> list[tuple[str, int]]:
    """Return (station, begin register) of all pages of two."""
    found: list[tuple[str, int]] = []
    after = ""
    while True:
        page, cursor = await newest_sessions(world, NewestQuery(limit=2, after=after, **asked))
        assert len(page) <= 2
        found += [(one.transaction.station_id, int(one.transaction.start_wh or 0)) for one in page]
        if cursor is None:
            return found
        after = cursor


async def test_sessions_come_newest_first_page_by_page() -> None:
    world = await busy_world()
    everything = await listed(world)
    assert everything == [(f"ST{number % 3 + 1}", 1000 + number * 1000) for number in reversed(range(9))]
    assert await listed(world, stations=("ST1",)) == [one for one in everything if one[0] == "ST1"]
    assert await listed(world, sites=("SOUTH",)) == [one for one in everything if one[0] != "ST1"]
    assert await listed(world, sites=("SOUTH",), stations=("ST1",)) == everything
    assert await listed(world, sites=("NORTH",)) == []
    assert await listed(world, state=SessionState.OPEN) == everything[:1]
    assert await listed(world, state=SessionState.BILLED) == everything[1:]
    assert await listed(world, party=world.party, evse_id=1) == everything
    assert await listed(world, party="DE*AAA") == []


async def test_a_time_bounds_the_list_at_both_ends() -> None:
    world = await busy_world()
    page, _ = await newest_sessions(world, NewestQuery(limit=9))
    times = [one.row.recorded_ms for one in page]
    found, cursor = await newest_sessions(world, NewestQuery(limit=9, since_ms=times[6], until_ms=times[2]))
    assert [one.row.recorded_ms for one in found] == times[3:7]
    assert cursor is None


async def test_bills_come_newest_first_and_of_an_account() -> None:
    world = await busy_world()
    page, cursor = await newest_bills(world, NewestQuery(limit=5, account="house"))
    rest, end = await newest_bills(world, NewestQuery(limit=5, account="house", after=cursor or ""))
    bills = [*page, *rest]
    assert (len(page), len(rest), end) == (5, 3, None)
    assert [bill.billed_ms for bill in bills] == sorted((bill.billed_ms for bill in bills), reverse=True)
    assert len({bill.id for bill in bills}) == 8
    assert await newest_bills(world, NewestQuery(limit=5, account="nobody")) == ([], None)


@pytest.mark.parametrize("after", ["x", "-", "1.5-a", "\u0665-a", "9" * 30 + "-a"])
async def test_a_cursor_of_somebody_else_is_refused(after: str) -> None:
    world = await billing_world()
    with pytest.raises(InputError) as refused:
        await newest_sessions(world, NewestQuery(limit=2, after=after))
    assert refused.value.code == "bad_cursor"


async def test_more_stations_than_are_looked_through_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    world = await busy_world()
    monkeypatch.setattr(session_list, "MAX_STATIONS", 1)
    with pytest.raises(InputError) as refused:
        await newest_sessions(world, NewestQuery(limit=2, sites=("SOUTH",)))
    assert refused.value.code == "too_many_stations"
