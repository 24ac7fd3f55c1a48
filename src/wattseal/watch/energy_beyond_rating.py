"""More energy over a whole session than its EVSE can deliver in that time."""

from wattseal.base.units import MAX_SESSION_WH
from wattseal.model.verdict import Finding
from wattseal.watch.detector import MAX_POWER_W, Detector, Moment, Seen, at
from wattseal.watch.reach import most_wh


def observe(seen: Seen) -> Finding | None:
    """Hold the session's energy against rating times duration; what no battery holds is `implausible_energy`."""
    if seen.register_wh is None or seen.start_wh is None or seen.started_ms is None:
        return None
    energy_wh, duration_ms = seen.register_wh - seen.start_wh, seen.at_ms - seen.started_ms
    if energy_wh > MAX_SESSION_WH or energy_wh <= most_wh(seen.rated_w, duration_ms):
        return None
    return Finding("energy_beyond_rating", "register_wh", f"{energy_wh} Wh in {max(duration_ms, 0) // 1000} s")


DETECTOR = Detector(
    code="energy_beyond_rating",
    title="more energy in a session than rating times duration allows",
    threshold=MAX_POWER_W,
    unit="W, or the EVSE's `rated_power_w`",
    why="plus 10 % (the grid's voltage), two minutes (clocks, slowly read meters) and 1 kWh (registers in whole kWh)",
    then="check unit, scale and the station's clock; state the EVSE's rating at its enrolment",
    moments=at(Moment.END),
    observe=observe,
)
