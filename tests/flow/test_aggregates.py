"""Sums for those who may see no session: of groups that are large enough, made once, and nothing else adds up."""

from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.cpo_world import Talker, TestClock, add_token, enrol
from tests.support.money import billing_world

from wattseal.base.errors import InputError
from wattseal.flow.aggregates import Asked, atoms
from wattseal.flow.world import World
from wattseal.model.station import EvseEnrolment, Station
from wattseal.rules.aggregates import DAY_MS, SETTLED_DAYS, Atom, Gathered, K, atom, together


def later(world: World, **span: float) -> None:
    assert isinstance(world.clock, TestClock)
    world.clock.at += timedelta(**span)


async def day_of(world: World, station: str, drivers: dict[str, int], wh: int = 1000) -> int:
    talker = Talker(world, station)
    for card, drawn in drivers.items():
        await add_token(world, card)
        number = await talker.start(card, wh)
        await talker.stop(number, wh + drawn)
        wh += drawn
        later(world, seconds=1)
    return wh


def crowd(count: int, each: int = 1000) -> dict[str, int]:
    return {f"CARD{number}": each + number for number in range(count)}


async def site(world: World, name: str) -> str:
    await enrol(world, Station(id=f"ST-{name}", evses=(EvseEnrolment(id=1),), site=name))
    return f"ST-{name}"


async def test_a_day_of_enough_drivers_is_told_and_one_of_fewer_is_in_no_sum() -> None:
    world = await billing_world()
    north, south = await site(world, "NORTH"), await site(world, "SOUTH")
    day = world.now_ms() // DAY_MS
    await day_of(world, north, crowd(K))
    await day_of(world, south, crowd(K - 1))
    later(world, days=SETTLED_DAYS + 1)
    found = {one.site: one for one in await atoms(world, Asked(day, day + 1))}
    assert (found["NORTH"].shown, found["NORTH"].sessions, found["NORTH"].energy_mwh) == (True, K, 5_010_000)
    assert found["SOUTH"] == Atom("SOUTH", day)
    total = together(found.values())
    assert (total.sessions, total.energy_mwh, total.left_out) == (K, 5_010_000, 2)
    assert (await atoms(world, Asked(day, day + 1, "SOUTH"))) == (Atom("SOUTH", day),)


async def test_what_arrives_after_a_day_was_added_up_changes_nothing() -> None:
    world = await billing_world()
    north = await site(world, "NORTH")
    day = world.now_ms() // DAY_MS
    await day_of(world, north, crowd(K))
    await add_token(world, "LATE")
    late = await Talker(world, north).start("LATE", 50_000)
    later(world, days=SETTLED_DAYS + 1)
    before = await atoms(world, Asked(day, day + 1))
    await Talker(world, north).stop(late, 60_000)
    assert await atoms(world, Asked(day, day + 1)) == before
    world.forget()
    assert await atoms(world, Asked(day, day + 1)) == before


async def test_a_day_is_added_up_when_it_has_been_over_for_long_enough() -> None:
    world = await billing_world()
    day = world.now_ms() // DAY_MS
    for since, until, code in ((day, day + 1, "not_settled_yet"), (day, day, "bad_span"), (0, 93, "bad_span")):
        with pytest.raises(InputError) as refused:
            await atoms(world, Asked(since, until))
        assert refused.value.code == code


@pytest.mark.parametrize(
    ("drawn", "shown"),
    [
        ([1000] * K, True),
        ([1000] * (K - 1), False),
        ([1000] * (K - 1) + [4001], False),
        ([1000] * (K - 1) + [4000], True),
    ],
)
def test_no_driver_is_most_of_what_is_told(drawn: list[int], *, shown: bool) -> None:
    found = Gathered()
    for number, wh in enumerate(drawn):
        found.take(f"card{number}", wh, 60)
    assert atom("S", 1, found).shown is shown


def test_sessions_of_nobody_known_count_as_one_drivers() -> None:
    found = Gathered()
    for _ in range(50):
        found.take("", 1000, 60)
    assert atom("S", 1, found) == Atom("S", 1)


def test_the_route_asks_for_its_own_scope() -> None:
    page = Path(__file__).parents[2].joinpath("docs/reference/api.md").read_text()
    assert "`aggregates:read`" in page
    assert "/api/v1/aggregates" in page
