"""A register at the start below that at the end of the session before."""

from wattseal.base.units import ROUNDING_WH
from wattseal.model.verdict import Finding
from wattseal.watch.detector import Detector, Moment, Seen, at
from wattseal.watch.neighbours import base_of


def observe(seen: Seen) -> Finding | None:
    """Hold a start against where the EVSE's register stood, whoever's session that was."""
    if seen.unaccounted_wh is not None and seen.unaccounted_wh <= -ROUNDING_WH:
        detail = f"{seen.unaccounted_wh} Wh since the session before"
        return Finding("register_rolled_back", "unaccounted_wh", detail)
    start_wh = seen.register_wh
    if start_wh is None or not seen.counts_on:
        return None
    base = base_of(seen)
    stood = (None if base is None else base.end_wh, seen.running_wh if seen.running else None)
    before_wh = max((wh for wh in stood if wh is not None), default=None)
    if before_wh is None or start_wh > before_wh - ROUNDING_WH:
        return None
    return Finding("register_rolled_back", "register_wh", f"{before_wh} to {start_wh}")


DETECTOR = Detector(
    code="register_rolled_back",
    title="a start below the end of the session before, whoever paid for that one",
    threshold=ROUNDING_WH,
    unit="Wh",
    why="whole Wh in 1.6 again: less than 1 Wh is rounding, anything more is another register or a second telling",
    then="a meter was replaced: enrol its serial, and decide this session by a ruling; the EVSE's sessions each begin "
    "at 0: enrol it with `register_per_session`",
    moments=at(Moment.START),
    observe=observe,
)
