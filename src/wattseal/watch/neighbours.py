"""Where a session stands among its EVSE's others: between which two it fits, by time and register."""

from wattseal.base.units import ROUNDING_WH
from wattseal.model.continuity import Span
from wattseal.watch.detector import Seen

CLOCK_MS = 300_000
"""By how much two times of one clock may contradict each other: clocks are set, between sessions and in them."""
MAX_SPANS = 8
"""Sessions of an EVSE that are remembered."""

ASTRAY = frozenset(
    {
        "negative_register",
        "implausible_register",
        "implausible_energy",
        "energy_beyond_rating",
        "register_jumped",
    }
)
"""Notes after which nothing is held against a register."""


def base_of(seen: Seen) -> Span | None:
    """Return the session that this start follows: the last one, or the one behind which it fits when told late.

    A start below the last end may be of a session that was delivered after a later one. It is, where there is a place
    among those remembered for it: not below the end before, and not above the start behind, in register and time. That
    may be before all of them, and follow none, as long as they are all there have been.
    """
    spans = seen.spans
    start_wh = seen.register_wh
    if not spans:
        return None
    last = spans[-1]
    if start_wh is None or last.end_wh is None or start_wh > last.end_wh - ROUNDING_WH:
        return last
    for before, behind in zip(reversed(spans[:-1]), reversed(spans[1:]), strict=True):
        if _not_below(seen, before) and _not_above(seen, behind):
            return before
    return None if len(spans) < MAX_SPANS and _not_above(seen, spans[0]) else last


def _not_below(seen: Seen, before: Span) -> bool:
    if before.end_wh is None or before.ended_ms is None or seen.register_wh is None:
        return False
    return seen.register_wh > before.end_wh - ROUNDING_WH and seen.at_ms > before.ended_ms - CLOCK_MS


def _not_above(seen: Seen, behind: Span) -> bool:
    if behind.start_wh is None or behind.started_ms is None or seen.register_wh is None:
        return False
    return seen.register_wh < behind.start_wh + ROUNDING_WH and seen.at_ms < behind.started_ms + CLOCK_MS


def lies_after(span: Span, other: Span) -> bool:
    """Return whether `span` is known to come wholly after `other`, by time and by register."""
    if span.started_ms is None or other.started_ms is None or other.ended_ms is None:
        return False
    if span.started_ms <= other.started_ms or span.started_ms < other.ended_ms - CLOCK_MS:
        return False
    return span.start_wh is None or other.end_wh is None or span.start_wh > other.end_wh - ROUNDING_WH


def with_span(spans: tuple[Span, ...], span: Span) -> tuple[Span, ...]:
    """Return the sessions with one more in its place, or in place of what was known of it; the oldest goes."""
    others = [each for each in spans if each.subject != span.subject or not span.subject]
    place = len(others)
    while place and lies_after(others[place - 1], span):
        place -= 1
    others.insert(place, span)
    return tuple(others[-MAX_SPANS:])
