"""One calm story, told again with one death each: at every wait of it, and at every commit before and after."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from tests.simulation.broken import broken
from tests.simulation.play import play
from tests.simulation.weather import Weather

SEED = 7
STORY = Weather(sessions=1)


def told(story: Weather, places: dict[str, int], seed: int = SEED) -> tuple[int, int, int]:
    """Play it through; return (sessions, waits, commits). `places` takes where it waited, and after how many waits."""
    one, counted = play(seed, weather=story, survey=places)
    return counted.total(), one.waits, one.commits


def deaths(story: Weather, waits: Iterable[int], commits: Iterable[int]) -> Iterator[Weather]:
    """Return the story with one death each."""
    for number in waits:
        yield replace(story, crash_at=number)
    for number in commits:
        for durable in (False, True):
            yield replace(story, crash_commit=(number, durable))


def with_one_death(story: Weather, sessions: int, seed: int = SEED) -> set[str]:
    """Play it; as many sessions come of it as without. Return where it died."""
    one, counted = play(seed, weather=story)
    if one.faults.happened["died"] != 1:
        broken(1, f"{story} did not die once: {one.faults.happened}")
    if counted.total() != sessions:
        broken(1, f"{story} came to {counted}, without a death to {sessions} sessions")
    return one.faults.died_at | one.faults.died_on
