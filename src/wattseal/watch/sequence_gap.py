"""Events of a session (2.x) that are missing by their numbers."""

from wattseal.model.verdict import Finding
from wattseal.watch.detector import Detector, Moment, Seen, at

MISSING = 0
"""seqNo goes up by one with every event (2.x, E)."""


def observe(seen: Seen) -> Finding | None:
    """Ask at the end whether all numbers were there."""
    return Finding("sequence_gap", "seq_no") if seen.gap else None


DETECTOR = Detector(
    code="sequence_gap",
    title="events of a session that are missing by their numbers (2.x)",
    threshold=MISSING,
    unit="events",
    why="numbers go up by one; an event may still come late, which heals the gap (`sequence_healed`)",
    then="start and end are there and count; its grade is lower",
    moments=at(Moment.END),
    observe=observe,
)
