"""One calm story, told again with one death each: at every wait of it, and at every commit before and after."""

import argparse
import json
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

from tests.simulation.broken import broken
from tests.simulation.campaign import CameTo, named
from tests.simulation.play import play
from tests.simulation.weather import Weather

SEED = 7
STORY = Weather(sessions=1)
Told = tuple[int, int, int]
"""Of a story without a death: sessions, waits, commits."""


def told(story: Weather, survey: dict[str, list[int]], seed: int = SEED) -> Told:
    """Play it through. `survey` takes the ways on which it waited, and after how many waits."""
    one, counted = play(seed, weather=story, survey=survey)
    return counted.total(), one.waits, one.commits


def deaths(story: Weather, waits: Iterable[int], commits: Iterable[int]) -> Iterator[Weather]:
    """Return the story with one death each."""
    for number in waits:
        yield replace(story, crash_at=number)
    for number in commits:
        for durable in (False, True):
            yield replace(story, crash_commit=(number, durable))


def with_one_death(weather: Weather, sessions: int, seed: int = SEED) -> set[str]:
    """Play it; as many sessions come of it as without. Return the ways on which it died."""
    one, counted = play(seed, weather=weather)
    if one.faults.happened["died"] != 1:
        broken(1, f"{weather} did not die once: {one.faults.happened}")
    if counted.total() != sessions:
        broken(1, f"{weather} came to {counted}, without a death to {sessions} sessions")
    return one.faults.died_on


def chosen(survey: dict[str, list[int]], waits: int, each: int) -> list[int]:
    """Return the waits to die at: all of them, or so many on each way, the first, the last, and some between."""
    if not each:
        return list(range(1, waits + 1))
    return sorted(
        {numbers[at * (len(numbers) - 1) // max(1, each - 1)] for numbers in survey.values() for at in range(each)}
    )


def part(text: str) -> tuple[int, int]:
    """Read which part of how many, as in 1/4."""
    which, _, of = text.partition("/")
    if not (which.isdecimal() and of.isdecimal() and 1 <= int(which) <= int(of)):
        raise argparse.ArgumentTypeError("a part is given as 1/4")
    return int(which), int(of)


def all_deaths(actors: str, which: tuple[int, int], each: int, state: Path | None, jobs: int) -> CameTo:
    """Play the story with all its deaths, or a part of them; what `state` says was played is not played again."""
    story, begun = replace(STORY, actors=named(actors) or frozenset()), time.process_time()
    survey: dict[str, list[int]] = {}
    sessions, waits, commits = told(story, survey)
    found = CameTo(waited=set(survey))
    places = [*chosen(survey, waits, each), *range(-commits, 0)]
    mine = places[which[0] - 1 :: which[1]]
    known = _played(state, {"actors": sorted(story.actors), "waits": waits, "commits": commits})
    print(f"{len(places)} places to die at: {len(places) - commits} of {waits} waits, {commits} commits", flush=True)
    left = [place for place in mine if place not in known]
    with ProcessPoolExecutor(jobs) as pool:
        for place, (died, wrong, spent_s) in zip(left, pool.map(partial(_die, story, sessions), left), strict=True):
            known[place] = (died, wrong)
            found.spent_s += spent_s
            if wrong:
                print(f"place {place}: {wrong}", flush=True)
            if state is not None:
                with state.open("a") as file:
                    file.write(json.dumps([place, died, wrong]) + "\n")
    for place in mine:
        died, wrong = known[place]
        found.seeds += 1 if place > 0 else 2
        found.died |= set(died)
        found.wrong += [place] if wrong else []
    found.spent_s += time.process_time() - begun
    return found


def _die(story: Weather, sessions: int, place: int) -> tuple[list[str], str, float]:
    """Die at a wait, or before and after a commit (negative); return the ways, what is wrong, and CPU seconds."""
    begun, died, wrong = time.process_time(), set[str](), ""
    at = ((place,), ()) if place > 0 else ((), (-place,))
    for weather in deaths(story, *at):
        try:
            died |= with_one_death(weather, sessions)
        except Exception as error:  # noqa: BLE001 - which death it is helps
            wrong = f"{wrong} {weather.crash_at or weather.crash_commit}: {type(error).__name__}: {error}".strip()
    return sorted(died), wrong, time.process_time() - begun


def _played(state: Path | None, story: dict[str, object]) -> dict[int, tuple[list[str], str]]:
    """Return what was played of this very story, by place; a file of another is refused."""
    if state is None:
        return {}
    if not state.exists():
        state.write_text(json.dumps(story) + "\n")
    first, *lines = state.read_text().splitlines()
    if json.loads(first) != story:
        raise SystemExit(f"{state} is of another story: {first}; take another file")
    return {place: (died, wrong) for place, died, wrong in map(json.loads, lines)}
