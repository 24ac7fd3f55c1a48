"""A register that runs backwards within a session."""

from wattseal.base.units import ROUNDING_WH
from wattseal.model.verdict import Finding
from wattseal.watch.detector import Detector, Moment, Seen, at


def observe(seen: Seen) -> Finding | None:
    """Hold a register against the highest before it and, where it comes late, against the one read after it."""
    now_wh, before_wh, after_wh = seen.register_wh, seen.before_wh, seen.after_wh
    if now_wh is None:
        return None
    if before_wh is not None and now_wh <= before_wh - ROUNDING_WH:
        return Finding("register_decreased", "register_wh", f"{before_wh} to {now_wh}")
    if after_wh is not None and after_wh <= now_wh - ROUNDING_WH:
        return Finding("register_decreased", "register_wh", f"{now_wh} to {after_wh}")
    return None


DETECTOR = Detector(
    code="register_decreased",
    title="a register that runs backwards within a session",
    threshold=ROUNDING_WH,
    unit="Wh",
    why="1.6 tells whole Wh, so that two figures of one register differ by less than 1 Wh; import registers never fall",
    then="compare with the next start's register: somebody may have lowered it on the way",
    moments=at(Moment.READING, Moment.LATE, Moment.END),
    observe=observe,
)
