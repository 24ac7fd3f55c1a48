"""A register that no electricity meter shows."""

from wattseal.base.units import MAX_ENERGY_WH
from wattseal.model.verdict import Finding
from wattseal.watch.detector import Detector, Moment, Seen, at


def observe(seen: Seen) -> Finding | None:
    """Look at the register alone."""
    register_wh = seen.register_wh
    if register_wh is None or register_wh <= MAX_ENERGY_WH:
        return None
    return Finding("implausible_register", "register_wh", str(register_wh))


DETECTOR = Detector(
    code="implausible_register",
    title="a register beyond that of any meter",
    threshold=MAX_ENERGY_WH,
    unit="Wh",
    why="no charging meter counts a thousand TWh in its life; units and scales gone wrong do",
    then="check unit and scale",
    moments=at(Moment.START, Moment.READING, Moment.LATE, Moment.END),
    observe=observe,
)
