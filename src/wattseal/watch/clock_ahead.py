"""A start or end told before it happened, by its station's clock."""

from wattseal.model.verdict import Finding
from wattseal.watch.detector import Detector, Moment, Seen, at
from wattseal.watch.neighbours import CLOCK_MS
from wattseal.watch.time_implausible import is_implausible

_DAY_MS = 86_400_000


def observe(seen: Seen) -> Finding | None:
    """Hold the station's time against ours, and say where that moved it to another day of UTC."""
    ahead_ms = seen.at_ms - seen.now_ms
    if ahead_ms <= CLOCK_MS or is_implausible(seen.at_ms, seen.now_ms):
        return None
    moved = " and on another day" if seen.at_ms // _DAY_MS != seen.now_ms // _DAY_MS else ""
    return Finding("clock_ahead", "at", f"{ahead_ms // 1000} s ahead of its arrival{moved}")


DETECTOR = Detector(
    code="clock_ahead",
    title="a start or end that arrives before its own time",
    threshold=CLOCK_MS // 1000,
    unit="s ahead",
    why="waiting makes a message late and never early: the station's clock is wrong, often by its time zone",
    then="set the station's clock; under a tariff that goes by the clock a person decides on the session",
    moments=at(Moment.START, Moment.END),
    observe=observe,
)
