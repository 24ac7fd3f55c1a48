"""So much energy between two sessions that there was a third, of which nobody told."""

from decimal import Decimal

from wattseal.model.verdict import Finding
from wattseal.watch.detector import Detector, Moment, Seen, at
from wattseal.watch.neighbours import base_of
from wattseal.watch.unaccounted_energy import unaccounted_wh

SESSION_WH = Decimal(1000)
"""Less is hardly anybody's charge."""
STANDBY_W = 100
"""What a fast charger draws for itself when its meter stands on the grid's side of it."""
WAIT_MS = 295_000
"""For so long a register told outside of sessions has to say it: the session's start may be in its station's queue."""
_MS_PER_HOUR = 3_600_000


def observe(seen: Seen) -> Finding | None:
    """Hold what went by since the last session against what standing by can have taken in the time between."""
    told_wh = unaccounted_wh(seen)
    if told_wh is None or told_wh <= SESSION_WH:
        return None
    base = base_of(seen)
    idle_ms = 0 if base is None or base.ended_ms is None else max(seen.at_ms - base.ended_ms, 0)
    if told_wh <= SESSION_WH + Decimal(STANDBY_W * idle_ms) / _MS_PER_HOUR:
        return None
    return Finding("unaccounted_session", "register_wh", f"{told_wh} Wh in {idle_ms // 1000} s between two sessions")


DETECTOR = Detector(
    code="unaccounted_session",
    title="so much energy between two sessions that one is missing",
    threshold=SESSION_WH,
    unit="Wh, and 100 W of the time between",
    why="less is hardly a charge, and chargers metered on the grid's side draw up to 100 W while nobody charges",
    then="ask the station for its log (`get-log`) and look for messages that were lost or kept back",
    moments=at(Moment.START, Moment.IDLE),
    observe=observe,
)
