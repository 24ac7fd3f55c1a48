"""Two sessions of one EVSE at the same time, or with the same energy in them."""

from decimal import Decimal

from wattseal.base.units import ROUNDING_WH
from wattseal.model.continuity import Span
from wattseal.model.verdict import Finding
from wattseal.watch.detector import Detector, Moment, Seen, at
from wattseal.watch.neighbours import CLOCK_MS


def observe(seen: Seen) -> Finding | None:
    """Hold the session against those of its EVSE that have ended: whichever ends last is the one that is noted.

    A start below the end before it has its note already, which says of registers what there is to say.
    """
    for span in reversed(seen.spans):
        shared_wh = _shared_wh(seen, span) if seen.counts_on and not seen.rolled_back else None
        if shared_wh is not None and shared_wh >= ROUNDING_WH:
            return Finding("session_overlap", "register_wh", f"{shared_wh} Wh are in session {span.subject}, too")
        shared_ms = _shared_ms(seen, span)
        if shared_ms is not None and shared_ms > CLOCK_MS:
            return Finding("session_overlap", "at", f"{shared_ms // 1000} s are in session {span.subject}, too")
    return None


def _shared_wh(seen: Seen, span: Span) -> Decimal | None:
    if seen.register_wh is None or seen.start_wh is None or span.start_wh is None or span.end_wh is None:
        return None
    return min(seen.register_wh, span.end_wh) - max(seen.start_wh, span.start_wh)


def _shared_ms(seen: Seen, span: Span) -> int | None:
    if seen.started_ms is None or span.started_ms is None or span.ended_ms is None:
        return None
    return min(seen.at_ms, span.ended_ms) - max(seen.started_ms, span.started_ms)


DETECTOR = Detector(
    code="session_overlap",
    title="two sessions of one EVSE that share energy, or more time than a clock may be set by",
    threshold=CLOCK_MS // 1000,
    unit="s, or 1 Wh",
    why="an EVSE charges one vehicle at a time; less than 1 Wh is rounding, five minutes are a clock that was set",
    then="it is one charge told twice, under other ids or in another version of OCPP: bill one, waive the other",
    moments=at(Moment.END),
    observe=observe,
)
