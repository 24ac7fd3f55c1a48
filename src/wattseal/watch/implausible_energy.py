"""More energy in one session than any vehicle holds."""

from wattseal.base.units import MAX_SESSION_WH
from wattseal.model.verdict import Finding
from wattseal.watch.detector import Detector, Moment, Seen, at


def observe(seen: Seen) -> Finding | None:
    """Hold the end against the start."""
    if seen.register_wh is None or seen.start_wh is None or seen.register_wh - seen.start_wh <= MAX_SESSION_WH:
        return None
    energy_wh = seen.register_wh - seen.start_wh
    return Finding("implausible_energy", "register_wh", f"{energy_wh} Wh in one session")


DETECTOR = Detector(
    code="implausible_energy",
    title="more energy in one session than any battery holds",
    threshold=MAX_SESSION_WH,
    unit="Wh",
    why="no vehicle's battery holds 2 MWh; a lifetime's register told as a session, or a wrong scale, does",
    then="check unit and scale",
    moments=at(Moment.END),
    observe=observe,
)
