"""A start or end that arrives more than a day after it happened."""

from wattseal.model.verdict import Finding
from wattseal.watch.detector import Detector, Moment, Seen, at
from wattseal.watch.time_implausible import is_implausible

LATE_MS = 86_400_000
"""Stations that were cut off deliver what they have kept; after a day it is worth saying."""


def observe(seen: Seen) -> Finding | None:
    """Hold the station's time against ours."""
    if seen.now_ms - seen.at_ms <= LATE_MS or is_implausible(seen.at_ms, seen.now_ms):
        return None
    return Finding("recorded_late", "at")


DETECTOR = Detector(
    code="recorded_late",
    title="a start or end told more than a day after it happened",
    threshold=LATE_MS // 1000,
    unit="s",
    why="stations keep what they could not deliver, for days at times; that alone is nothing bad",
    then="look at the station's link if it happens often",
    moments=at(Moment.START, Moment.END),
    observe=observe,
)
