"""Figures out of sums: pure adding up, for steps and for the whole."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from operator import add

from msgspec.structs import astuple

from wattseal.model.revenue import Earned, Figures, Sessions
from wattseal.model.rollup import RolledUp
from wattseal.model.verdict import Grade, Source

_MILLI = Decimal("0.001")
_FIRST_SUM = RolledUp.__struct_fields__.index("pending")
_SESSION_SUMS = RolledUp.__struct_fields__.index("bills") - _FIRST_SUM
_ENERGY = RolledUp.__struct_fields__.index("energy_mwh") - _FIRST_SUM


def figures(from_ms: int, to_ms: int, rows: Iterable[RolledUp], evses: int) -> Figures:
    """Return the figures of one stretch, of the sums in it."""
    lines: dict[tuple[str, int, str], tuple[int, ...]] = {}
    for row in rows:
        key, sums = (row.currency, -row.grade, row.source), astuple(row)[_FIRST_SUM:]
        lines[key] = tuple(map(add, lines[key], sums)) if key in lines else sums
    sessions = [0] * _SESSION_SUMS
    earned: list[Earned] = []
    for currency, grade, source in sorted(lines):
        sums = lines[currency, grade, source]
        if currency:
            earned.append(_earned(currency, Grade(-grade), Source(source), sums))
        else:
            sessions = [*map(add, sessions, sums)]
    pending, quarantined, free, billed, energy_mwh, seconds = sessions
    told = Sessions(pending, quarantined, free, billed, energy_mwh * _MILLI, seconds)
    return Figures(from_ms, to_ms, told, tuple(earned), evses)


def by_step(bounds_ms: Sequence[int], rows: Iterable[RolledUp], evses: int) -> tuple[Figures, ...]:
    """Return the figures of each step between two of `bounds_ms`."""
    found: list[list[RolledUp]] = [[] for _ in bounds_ms[1:]]
    for row in rows:
        found[row.step].append(row)
    return tuple(
        figures(since, until, step, evses) for since, until, step in zip(bounds_ms, bounds_ms[1:], found, strict=False)
    )


def _earned(currency: str, grade: Grade, source: Source, sums: Sequence[int]) -> Earned:
    bills, net, tax, reversed_bills, reversed_net, reversed_tax, reversed_mwh = sums[_SESSION_SUMS:]
    energy_wh = (sums[_ENERGY] - reversed_mwh) * _MILLI
    return Earned(currency, grade, source, bills, net, tax, reversed_bills, reversed_net, reversed_tax, energy_wh)
