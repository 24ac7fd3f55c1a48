"""Seeded storms over the core: whatever happens, the twelve promises are kept; `make storm` plays thousands."""

import pytest
from tests.simulation import every
from tests.simulation.play import play
from tests.simulation.weather import Weather, dice

SEEDS = 36
ONCE_BROKEN = (49, 1088)
"""A commit of a billing round whose process died; a bill at a grade that a clock put back by a day had spoilt."""


@pytest.mark.parametrize("first", range(1, SEEDS, 12))
def test_whatever_happens_every_promise_is_kept(first: int) -> None:
    for seed in range(first, first + 12):
        try:
            play(seed)
        except Exception as error:
            raise AssertionError(f"python -m tests.simulation --seed {seed} --trace shows: {error}") from error


def test_storms_that_once_broke_a_promise_do_not() -> None:
    for seed in ONCE_BROKEN:
        play(seed, weather=Weather.drawn(dice(f"weather {seed}")))


def test_a_process_may_die_wherever_anything_waits_and_at_any_commit() -> None:
    places: dict[str, int] = {}
    sessions, waits, commits = every.told(every.STORY, places)
    lines = {place: at for place, at in places.items() if " > " not in place}
    assert len(lines) > 40
    assert waits > commits > 50
    for weather in every.deaths(every.STORY, sorted(set(lines.values())), range(1, commits + 1, 7)):
        every.with_one_death(weather, sessions)


def test_a_seed_is_the_same_storm_again() -> None:
    told: list[list[str]] = [[], []]
    for lines in told:
        play(3, trace=lines.append)
    assert told[0] == told[1]
