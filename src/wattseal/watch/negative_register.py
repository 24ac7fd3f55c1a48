"""A register below zero."""

from decimal import Decimal

from wattseal.model.verdict import Finding
from wattseal.watch.detector import Detector, Moment, Seen, at

LEAST_WH = Decimal(0)
"""A meter counts up from zero; 0 itself is what a new one shows."""


def observe(seen: Seen) -> Finding | None:
    """Look at the register alone."""
    register_wh = seen.register_wh
    if register_wh is None or register_wh >= LEAST_WH:
        return None
    return Finding("negative_register", "register_wh", str(register_wh))


DETECTOR = Detector(
    code="negative_register",
    title="a register below zero",
    threshold=LEAST_WH,
    unit="Wh",
    why="meters count up from zero, and a new one shows 0",
    then="look at the meter",
    moments=at(Moment.START, Moment.READING, Moment.LATE, Moment.END),
    observe=observe,
)
