"""A time that no clock shows."""

from wattseal.model.verdict import Finding
from wattseal.watch.detector import Detector, Moment, Seen, at

OLDEST_MS = 1_262_304_000_000
"""2010-01-01: no station told the time before that."""
AHEAD_MS = 86_400_000
"""A station's clock more than a day ahead of ours is not a clock."""


def is_implausible(station_ms: int, now_ms: int) -> bool:
    """Return whether nothing follows from a time."""
    return station_ms < OLDEST_MS or station_ms > now_ms + AHEAD_MS


def observe(seen: Seen) -> Finding | None:
    """Look at the station's time."""
    return Finding("time_implausible", "at") if is_implausible(seen.at_ms, seen.now_ms) else None


DETECTOR = Detector(
    code="time_implausible",
    title="a time before 2010, or more than a day ahead of ours",
    threshold=AHEAD_MS // 1000,
    unit="s ahead",
    why="clocks that lost their battery start in 1970 or 2000; a day is more than any time zone mistaken for UTC",
    then="set the station's clock",
    moments=at(Moment.START, Moment.END),
    observe=observe,
)
