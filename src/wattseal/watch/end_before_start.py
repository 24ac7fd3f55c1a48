"""An end before its start."""

from wattseal.model.verdict import Finding
from wattseal.watch.detector import Detector, Moment, Seen, at

LEAST_MS = 0
"""Both times are of one clock; a session may take no time at all."""


def observe(seen: Seen) -> Finding | None:
    """Hold the end's time against the start's."""
    if seen.started_ms is None or seen.at_ms - seen.started_ms >= LEAST_MS:
        return None
    return Finding("end_before_start", "at")


DETECTOR = Detector(
    code="end_before_start",
    title="an end before its start",
    threshold=LEAST_MS,
    unit="s",
    why="both times are of the station's clock, and time prices need a duration",
    then="set the station's clock",
    moments=at(Moment.END),
    observe=observe,
)
