"""Energy that went through the meter between two sessions."""

from decimal import Decimal

from wattseal.model.verdict import Finding
from wattseal.watch.detector import Detector, Moment, Seen, at
from wattseal.watch.neighbours import base_of

TOLERANCE_WH = Decimal(100)
"""What a station draws for itself behind the meter, or lets through in a test, in days: no bill lacks it."""


def unaccounted_wh(seen: Seen) -> Decimal | None:
    """Return what went by since the EVSE's session before; None where that is not known.

    It is not while a session of the EVSE has no end yet: that one is to account for it.
    """
    if seen.unaccounted_wh is not None:
        return seen.unaccounted_wh
    if seen.register_wh is None or seen.running or not seen.counts_on:
        return None
    base = base_of(seen)
    return None if base is None or base.end_wh is None else seen.register_wh - base.end_wh


def observe(seen: Seen) -> Finding | None:
    """Hold a start against the end before it."""
    told_wh = unaccounted_wh(seen)
    if told_wh is None or told_wh <= TOLERANCE_WH:
        return None
    return Finding("unaccounted_energy", "register_wh", f"{told_wh} Wh since the session before")


DETECTOR = Detector(
    code="unaccounted_energy",
    title="energy between two sessions of an EVSE",
    threshold=TOLERANCE_WH,
    unit="Wh",
    why="a station's own consumption behind its meter comes to this in some days; every session of it adds up",
    then="compare with the station's own records; it costs this session nothing",
    moments=at(Moment.START),
    observe=observe,
)
