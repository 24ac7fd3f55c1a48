"""Seeded storms over the core: whatever happens, the twelve promises are kept; `make storm` plays thousands."""

import pytest
from tests.simulation.play import play
from tests.simulation.weather import Weather, dice

SEEDS = 60
ONCE_BROKEN = (49, 1088)
"""A commit of a billing round whose process died; a bill at a grade that a clock put back by a day had spoilt."""
CALM = Weather(sessions=2)


@pytest.mark.parametrize("first", range(1, SEEDS, 20))
def test_whatever_happens_every_promise_is_kept(first: int) -> None:
    for seed in range(first, first + 20):
        try:
            play(seed)
        except Exception as error:
            raise AssertionError(f"python -m tests.simulation --seed {seed} --trace shows: {error}") from error


def test_storms_that_once_broke_a_promise_do_not() -> None:
    for seed in ONCE_BROKEN:
        play(seed, weather=Weather.drawn(dice(f"weather {seed}")))


def test_a_process_may_die_wherever_anything_waits() -> None:
    places: dict[str, int] = {}
    calm, expected = play(7, weather=CALM, survey=places)
    assert not calm.faults.happened
    assert len(places) > 40
    for place, waits in places.items():
        one, counted = play(7, weather=Weather(sessions=2, crash_at=waits))
        assert one.faults.happened["died"] == 1, place
        assert counted.total() == expected.total()


def test_a_seed_is_the_same_storm_again() -> None:
    told: list[list[str]] = [[], []]
    for lines in told:
        play(3, trace=lines.append)
    assert told[0] == told[1]
