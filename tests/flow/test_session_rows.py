"""Sessions as lists have them: newest first, by pages, by each filter and several, with what their reader may see."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from tests.support.cpo_world import Talker, add_token, enrol
from tests.support.money import bill_all, billing_world
from tests.support.no_proofs import NoProofs

from wattseal.base.errors import InputError
from wattseal.flow.charges import session_rows
from wattseal.flow.charges.reproof import prove_again
from wattseal.flow.charges.session_rows import Include, SessionRow, SessionsWanted, row_of, session_page
from wattseal.flow.documents import put
from wattseal.flow.fleet.sites import put_site
from wattseal.flow.ports import Batch
from wattseal.flow.turn import transaction_by_id
from wattseal.flow.world import World
from wattseal.model.site import Site
from wattseal.model.station import Station
from wattseal.model.verdict import Grade

PLACE: dict[str, Any] = {
    "address": "a",
    "city": "c",
    "country": "DEU",
    "latitude": "1",
    "longitude": "2",
    "time_zone": "UTC",
}
ALL = Include(energy=True, bill=True, token=True)


async def busy_world() -> World:
    """Return a world in which three stations, two of them on a site, charged in turns; the last charges yet."""
    world = await billing_world()
    await put_site(world, Site(id="SOUTH", name="South", **PLACE))
    for station in ("ST2", "ST3"):
        await enrol(world, Station(id=station, site="SOUTH"))
    for token in ("CARD", "OTHER"):
        await add_token(world, token)
    for number in range(9):
        talker = Talker(world, f"ST{number % 3 + 1}")
        begin = 1000 + number * 1000
        token = "OTHER" if number == 4 else "CARD"
        transaction = await talker.start(token, wh=begin, minutes=number * 60)
        if number < 8:
            await talker.stop(transaction, begin + 500, minutes=number * 60 + 30)
    await bill_all(world)
    return world


async def listed(world: World, include: Include = ALL, **asked: Any) -> list[SessionRow]:
    """Return the rows of all pages of two."""
    found: list[SessionRow] = []
    wanted = SessionsWanted(**asked)
    while True:
        page, cursor = await session_page(world, NoProofs(), wanted, include, 2)
        assert len(page) <= 2
        found += page
        if cursor is None:
            return found
        wanted = replace(wanted, before=cursor)


def begins(rows: list[SessionRow]) -> list[int]:
    """Return which of the nine these are."""
    return [int(row.transaction.start_wh or 0) // 1000 - 1 for row in rows]


async def test_sessions_come_newest_first_page_by_page_as_each_filter_leaves_them() -> None:
    world = await busy_world()
    assert begins(await listed(world)) == [8, 7, 6, 5, 4, 3, 2, 1, 0]
    assert begins(await listed(world, stations=("ST1",))) == [6, 3, 0]
    assert begins(await listed(world, stations=("ST1", "ST2"))) == [7, 6, 4, 3, 1, 0]
    assert begins(await listed(world, site="SOUTH")) == [8, 7, 5, 4, 2, 1]
    assert begins(await listed(world, site="NORTH")) == []
    assert begins(await listed(world, state="running")) == [8]
    assert begins(await listed(world, state="billed")) == [7, 6, 5, 4, 3, 2, 1, 0]
    assert begins(await listed(world, state="quarantined")) == []
    assert begins(await listed(world, token="other ")) == [4]
    assert begins(await listed(world, grade=Grade.G4)) == []
    grades = {row.grade for row in await listed(world, state="billed")}
    assert len(grades) == 1
    assert begins(await listed(world, grade=grades.pop(), state="billed")) == [7, 6, 5, 4, 3, 2, 1, 0]
    assert begins(await listed(world, active=True)) == [8]
    assert begins(await listed(world, active=False, stop_reason="Local")) == [7, 6, 5, 4, 3, 2, 1, 0]
    assert begins(await listed(world, stop_reason="EVDisconnected")) == []


async def test_all_filters_given_must_fit() -> None:
    world = await busy_world()
    assert begins(await listed(world, site="SOUTH", stations=("ST2",))) == [7, 4, 1]
    assert begins(await listed(world, site="SOUTH", stations=("ST1",))) == []
    assert begins(await listed(world, state="billed", site="SOUTH", token="OTHER")) == [4]
    assert begins(await listed(world, state="running", active=False)) == []
    assert begins(await listed(world, state="billed", active=True)) == []


async def test_a_time_bounds_the_list_at_both_ends() -> None:
    world = await busy_world()
    times = [row.transaction.recorded_ms for row in await listed(world)]
    assert begins(await listed(world, since_ms=times[6], until_ms=times[2])) == [5, 4, 3, 2]
    assert begins(await listed(world, since_ms=times[0] + 1)) == []
    assert begins(await listed(world, until_ms=times[-1])) == []
    assert begins(await listed(world, until_ms=-1)) == []


async def test_what_nobody_looked_at_since_it_ended_is_found_where_it_stands() -> None:
    world = await busy_world()
    talker = Talker(world, "ST1")
    await talker.stop(await talker.start("OTHER", wh=500, minutes=700), 400, minutes=730)
    assert begins(await listed(world, state="pending")) == []
    (looked_at_later,) = await listed(world, state="quarantined")
    assert looked_at_later.reason == "register_rolled_back"
    await bill_all(world)
    assert [row.transaction.id for row in await listed(world, state="quarantined")] == [looked_at_later.transaction.id]


async def test_a_row_has_what_its_reader_may_see_and_nothing_else_is_looked_up() -> None:
    world = await busy_world()
    row = (await listed(world))[4]
    assert (row.energy_wh, row.token and row.token.value, row.state) == (Decimal(500), "OTHER", "billed")
    assert row.bill is not None
    running = (await listed(world))[0]
    assert (running.energy_wh, running.bill, running.state) == (Decimal(0), None, "running")
    for bare in await listed(world, Include(), token="OTHER"):
        assert (bare.energy_wh, bare.bill, bare.token) == (None, None, None)
    alone = await row_of(world, NoProofs(), row.transaction, ALL)
    assert alone == row


async def test_a_session_that_was_changed_is_among_the_broken_ones() -> None:
    world = await busy_world()
    assert await listed(world, state="broken") == []
    for row in (await listed(world))[3:5]:
        changed = msgspec.structs.replace(row.transaction, end_wh=Decimal(1))
        document = put("transaction", changed.id, changed, world.now_ms(), station_id=changed.station_id)
        await world.journal.commit(Batch(world.tenant, puts=(document,)))
        await prove_again(world, NoProofs(), changed.id)
    broken = await listed(world, state="broken")
    assert begins(broken) == [5, 4]
    assert all(row.is_broken and row.state == "billed" for row in broken)
    assert begins(await listed(world, state="broken", token="OTHER")) == [4]
    assert begins(await listed(world, state="broken", until_ms=broken[0].transaction.recorded_ms)) == [4]
    assert await transaction_by_id(world, broken[0].transaction.id) == broken[0].transaction


async def test_a_page_that_few_pass_is_short_and_leads_on(monkeypatch: pytest.MonkeyPatch) -> None:
    world = await busy_world()
    monkeypatch.setattr(session_rows, "MAX_LOOKED_AT", 3)
    first, cursor = await session_page(world, NoProofs(), SessionsWanted(token="OTHER"), ALL, 5)
    assert first == []
    assert cursor is not None
    assert begins(await listed(world, token="OTHER")) == [4]


@pytest.mark.parametrize("before", ["x", "-", "1.5-a", "\u0665-a", "9" * 30 + "-a"])
async def test_a_cursor_of_somebody_else_is_refused(before: str) -> None:
    world = await billing_world()
    with pytest.raises(InputError) as refused:
        await listed(world, before=before)
    assert refused.value.code == "bad_cursor"
