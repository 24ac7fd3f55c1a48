"""Evidence that cannot reach what was pinned at the station's enrolment."""

from wattseal.model.verdict import Finding, meets_pin
from wattseal.watch.detector import Detector, Moment, Seen, at


def observe(seen: Seen) -> Finding | None:
    """Hold what signed the session against the pin."""
    if meets_pin(seen.source, seen.pin, sealed=seen.sealed):
        return None
    pin = seen.pin
    return Finding("evidence_below_pin", "evidence", f"G{int(pin.grade)} {pin.source} pinned, {seen.source} seen")


DETECTOR = Detector(
    code="evidence_below_pin",
    title="evidence that cannot reach the station's pin",
    threshold=0,
    unit="grades below the pin",
    why="the pin says what this station has: whoever strips a signature must not be billed on the rest",
    then="find out why the meter no longer signs",
    moments=at(Moment.END),
    observe=observe,
)
