"""A start or end told long after it happened by a station that was heard meanwhile: held back, or misdated."""

from wattseal.model.verdict import Finding
from wattseal.watch.detector import Detector, Moment, Seen, at
from wattseal.watch.time_implausible import is_implausible

WAIT_MS = 900_000
"""A station that was cut off empties its queue within minutes of being back; a long one over a slow link takes this."""


def observe(seen: Seen) -> Finding | None:
    """Ask for how long the station has been heard since the time that it tells."""
    if seen.heard_for_ms <= WAIT_MS or is_implausible(seen.at_ms, seen.now_ms):
        return None
    behind_s = (seen.now_ms - seen.at_ms) // 1000
    return Finding("held_back", "at", f"{behind_s} s behind its arrival, heard for {seen.heard_for_ms // 1000} s of it")


DETECTOR = Detector(
    code="held_back",
    title="a start or end told late by a station that was heard all the while",
    threshold=WAIT_MS // 1000,
    unit="s of being heard",
    why="after an outage queues are empty within minutes; who was heard longer and did not tell of it held it back, or "
    "its time is wrong",
    then="set the station's clock, or look who sits between; under a tariff that goes by the clock a person decides on "
    "the session",
    moments=at(Moment.START, Moment.END),
    observe=observe,
)
