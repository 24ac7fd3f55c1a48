"""Seeded storms over the core: whatever happens, the twelve promises are kept; `make storm` plays thousands."""

from pathlib import Path

import pytest
from tests.simulation import every, waits
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
    survey: dict[str, list[int]] = {}
    sessions, waits, commits = every.told(every.STORY, survey)
    lines = {way.rpartition(" > ")[2]: numbers[0] for way, numbers in reversed(survey.items())}
    assert len(lines) > 40
    assert waits > commits > 50
    for weather in every.deaths(every.STORY, sorted(set(lines.values())), range(1, commits + 1, 7)):
        every.with_one_death(weather, sessions)


def test_where_storms_wait_is_among_the_lines_that_wait() -> None:
    survey: dict[str, list[int]] = {}
    play(3, survey=survey)
    lines = {line for way in survey for line in way.split(" > ") if line.startswith(waits.PLAYED)}
    assert len(lines) > 100
    assert not [line for line in lines if not waits.place_in([line])]


def test_what_storms_do_not_reach_is_named_with_a_reason_by_what_there_is() -> None:
    named = {wait.file for wait in waits.waits()} | {f"{wait.file}:{wait.function}" for wait in waits.waits()}
    assert not waits.reasons().keys() - named
    assert all(len(reason) > 20 for reason in waits.reasons().values())


def test_one_death_at_each_place_is_played_in_parts_and_goes_on_where_it_was_left(tmp_path: Path) -> None:
    state = tmp_path / "every.jsonl"
    every.all_deaths("", (1, 100), 1, state, 1)
    played = state.read_text().splitlines()
    assert len(played) > 1
    state.write_text("\n".join(played[:-1]) + "\n")
    again = every.all_deaths("", (1, 100), 1, state, 1)
    assert state.read_text().splitlines() == played
    assert again.died
    assert not again.wrong
    with pytest.raises(SystemExit, match="another story"):
        every.all_deaths("judges", (1, 100), 1, state, 1)


def test_a_seed_is_the_same_storm_again() -> None:
    told: list[list[str]] = [[], []]
    for lines in told:
        play(3, trace=lines.append)
    assert told[0] == told[1]
