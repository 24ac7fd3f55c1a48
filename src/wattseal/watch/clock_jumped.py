"""A station's clock that jumped within a session."""

from wattseal.model.verdict import Finding
from wattseal.watch.detector import Detector, Moment, Seen, at
from wattseal.watch.neighbours import CLOCK_MS
from wattseal.watch.time_implausible import is_implausible


def observe(seen: Seen) -> Finding | None:
    """Hold a time against the latest told before it and, at the end, the session's length against ours.

    Waiting makes a message late and never early: one that is ahead of its arrival by more than its session's first
    message was, and by more than a clock may be off, was written under another clock. The end before the start has a
    note of its own.
    """
    if is_implausible(seen.at_ms, seen.now_ms):
        return None
    told_ms = seen.told_ms
    if told_ms is not None and seen.at_ms < told_ms - CLOCK_MS:
        if seen.started_ms is not None and seen.at_ms < seen.started_ms:
            return None
        return Finding("clock_jumped", "at", f"{(told_ms - seen.at_ms) // 1000} s back")
    ahead_ms = seen.at_ms - seen.now_ms
    if ahead_ms <= CLOCK_MS or seen.started_ms is None or seen.began_ms is None:
        return None
    gained_ms = ahead_ms - (seen.started_ms - seen.began_ms)
    return Finding("clock_jumped", "at", f"{gained_ms // 1000} s ahead") if gained_ms > CLOCK_MS else None


DETECTOR = Detector(
    code="clock_jumped",
    title="a station's clock that jumped within a session, back or ahead",
    threshold=CLOCK_MS // 1000,
    unit="s",
    why="clocks are set by seconds; more than five minutes move a session across a tariff's boundary",
    then="set the station's clock; what time costs in this session is for a person to decide",
    moments=at(Moment.END),
    observe=observe,
)
