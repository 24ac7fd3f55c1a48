"""A register that goes up by more, between two readings, than its EVSE can deliver in that time."""

from decimal import Decimal
from functools import lru_cache

from wattseal.model.verdict import Finding
from wattseal.watch.detector import MAX_POWER_W, Detector, Moment, Seen, at
from wattseal.watch.reach import most_wh


def observe(seen: Seen) -> Finding | None:
    """Hold a register against the highest before it, by the station's times of both.

    Where an end follows its start at once, that is the whole session, which is looked at as such.
    """
    now_wh, before_wh, before_ms = seen.register_wh, seen.before_wh, seen.before_ms
    if now_wh is None or before_wh is None or before_ms is None:
        return None
    if seen.start_wh is not None and before_wh == seen.start_wh:
        return None
    rise_wh = now_wh - before_wh
    duration_ms = (seen.at_ms if seen.read_ms is None else seen.read_ms) - before_ms
    if rise_wh <= least_wh(seen.rated_w) or rise_wh <= most_wh(seen.rated_w, duration_ms):
        return None
    return Finding("register_jumped", "register_wh", f"{rise_wh} Wh in {max(duration_ms, 0) // 1000} s")


@lru_cache(maxsize=1024)
def least_wh(rated_w: int | None) -> Decimal:
    """Return what may flow in no time at all, so that most readings are compared with a figure known already."""
    return most_wh(rated_w, 0)


DETECTOR = Detector(
    code="register_jumped",
    title="more energy between two readings than rating times time allows",
    threshold=MAX_POWER_W,
    unit="W, or the EVSE's `rated_power_w`",
    why="plus 10 % (the grid's voltage), two minutes (clocks, slowly read meters) and 1 kWh (registers in whole kWh)",
    then="compare with the readings around it; state the EVSE's rating at its enrolment",
    moments=at(Moment.READING, Moment.END),
    observe=observe,
)
