"""How long a charging port was usable, as two rules count it.

NEVI (23 CFR 680.116(b)): a port is up when its hardware and software are online and it can be used or is in use; the
share is (time - (outage - excluded)) / time. Excluded is what scheduled maintenance, vandalism, the grid, natural
disasters and hours outside operation took.
AFIR (Regulation (EU) 2023/1804, Article 20(2)): the dynamic data a port publishes say "operational" or "out of order";
here the share of the time it was operational, with nothing excluded.

Time of which nothing is known (this CSMS was down) is left out of both, and told.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum


class PortState(StrEnum):
    """What a port is to a driver: usable, out of order, without a connection to us, or nobody knows."""

    UP = "up"
    DOWN = "down"
    OFFLINE = "offline"
    UNKNOWN = "unknown"


OUTAGE = frozenset({PortState.DOWN, PortState.OFFLINE})
_DOWN_STATUSES = frozenset({"Faulted", "Unavailable"})


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time (Unix ms, end exclusive) in one state."""

    from_ms: int
    to_ms: int
    state: PortState


@dataclass(frozen=True, slots=True)
class Uptime:
    """Times in ms; the shares in percent with two decimals, rounded down, None where nothing is known."""

    known_ms: int
    outage_ms: int
    excluded_ms: int
    unknown_ms: int
    nevi_percent: Decimal | None
    afir_percent: Decimal | None


def port_state(status: str | None, *, connected: bool) -> PortState:
    """Return the state behind an OCPP status (2.x words); a station that is not connected is OFFLINE."""
    if not connected:
        return PortState.OFFLINE
    if status is None:
        return PortState.UNKNOWN
    return PortState.DOWN if status in _DOWN_STATUSES else PortState.UP


def spans(began_as: PortState, changes: Iterable[tuple[int, PortState]], from_ms: int, to_ms: int) -> tuple[Span, ...]:
    """Return the window `from_ms` to `to_ms` as spans; `changes` ascend, those before the window set how it begins."""
    found: list[Span] = []
    at, state = from_ms, began_as
    for changed_ms, new in changes:
        if changed_ms >= to_ms:
            break
        if changed_ms > at:
            found.append(Span(at, changed_ms, state))
            at = changed_ms
        state = new
    if at < to_ms:
        found.append(Span(at, to_ms, state))
    return tuple(found)


def uptime(of: Sequence[Span], excluded: Sequence[tuple[int, int]] = ()) -> Uptime:
    """Return the uptime over spans that do not overlap; `excluded` windows may overlap each other."""
    windows = _merged(excluded)
    outages = [span for span in of if span.state in OUTAGE]
    unknown_ms = sum(span.to_ms - span.from_ms for span in of if span.state is PortState.UNKNOWN)
    known_ms = sum(span.to_ms - span.from_ms for span in of) - unknown_ms
    outage_ms = sum(span.to_ms - span.from_ms for span in outages)
    excluded_ms = sum(
        max(0, min(span.to_ms, end) - max(span.from_ms, begin)) for span in outages for begin, end in windows
    )
    return Uptime(
        known_ms,
        outage_ms,
        excluded_ms,
        unknown_ms,
        _percent(known_ms - (outage_ms - excluded_ms), known_ms),
        _percent(known_ms - outage_ms, known_ms),
    )


def _percent(part_ms: int, whole_ms: int) -> Decimal | None:
    if not whole_ms:
        return None
    return (Decimal(100 * part_ms) / whole_ms).quantize(Decimal("0.01"), ROUND_DOWN)


def _merged(windows: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for begin, end in sorted(windows):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        elif begin < end:
            merged.append((begin, end))
    return merged
