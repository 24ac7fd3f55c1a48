"""Figures out of sums: pure adding up, for steps and for the whole."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from wattseal.model.revenue import Earned, Figures, Sessions
from wattseal.model.rollup import RolledUp
from wattseal.model.verdict import Grade, Source

_MILLI = Decimal("0.001")


def figures(from_ms: int, to_ms: int, rows: Iterable[RolledUp], evses: int) -> Figures:
    """Return the figures of one stretch, of the sums in it."""
    sessions = Sessions()
    earned: dict[tuple[str, int, str], Earned] = {}
    for row in rows:
        if row.currency:
            key = row.currency, -row.grade, row.source
            line = _earned(row)
            earned[key] = _sum(earned[key], line) if key in earned else line
        else:
            sessions = added(sessions, _sessions(row))
    return Figures(from_ms, to_ms, sessions, tuple(earned[key] for key in sorted(earned)), evses)


def by_step(bounds_ms: Sequence[int], rows: Iterable[RolledUp], evses: int) -> tuple[Figures, ...]:
    """Return the figures of each step between two of `bounds_ms`."""
    found: list[list[RolledUp]] = [[] for _ in bounds_ms[1:]]
    for row in rows:
        found[row.step].append(row)
    return tuple(
        figures(since, until, step, evses) for since, until, step in zip(bounds_ms, bounds_ms[1:], found, strict=False)
    )


def _sessions(row: RolledUp) -> Sessions:
    return Sessions(row.pending, row.quarantined, row.free, row.billed, row.energy_mwh * _MILLI, row.seconds)


def added(one: Sessions, other: Sessions) -> Sessions:
    """Return both together."""
    return Sessions(
        one.pending + other.pending,
        one.quarantined + other.quarantined,
        one.free + other.free,
        one.billed + other.billed,
        one.energy_wh + other.energy_wh,
        one.seconds + other.seconds,
    )


def _earned(row: RolledUp) -> Earned:
    return Earned(
        currency=row.currency,
        grade=Grade(row.grade),
        source=Source(row.source),
        bills=row.bills,
        net=row.net,
        tax=row.tax,
        reversed_bills=row.reversed_bills,
        reversed_net=row.reversed_net,
        reversed_tax=row.reversed_tax,
        energy_wh=(row.energy_mwh - row.reversed_mwh) * _MILLI,
    )


def _sum(one: Earned, other: Earned) -> Earned:
    return replace(
        one,
        bills=one.bills + other.bills,
        net=one.net + other.net,
        tax=one.tax + other.tax,
        reversed_bills=one.reversed_bills + other.reversed_bills,
        reversed_net=one.reversed_net + other.reversed_net,
        reversed_tax=one.reversed_tax + other.reversed_tax,
        energy_wh=one.energy_wh + other.energy_wh,
    )
