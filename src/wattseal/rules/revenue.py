"""Figures out of sums: pure adding up, for steps and for the whole."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from operator import add

from msgspec.structs import astuple

from wattseal.model.revenue import Earned, Figures, Sessions
from wattseal.model.rollup import RolledUp
from wattseal.model.verdict import Grade, Source

_GRADES = {int(grade): grade for grade in Grade}
_SOURCES = {source.value: source for source in Source}
_MILLI = Decimal("0.001")
_FIRST_SUM = RolledUp.__struct_fields__.index("pending")
_SESSION_SUMS = RolledUp.__struct_fields__.index("bills") - _FIRST_SUM
_ENERGY = RolledUp.__struct_fields__.index("energy_mwh") - _FIRST_SUM


def figures(from_ms: int, to_ms: int, rows: Iterable[RolledUp], evses: int) -> Figures:
    """Return the figures of one stretch, of the sums in it."""
    lines: dict[tuple[str, int, str], list[tuple[int, ...]]] = {}
    for row in rows:
        lines.setdefault((row.currency, -row.grade, row.source), []).append(astuple(row)[_FIRST_SUM:])
    sessions = [0] * _SESSION_SUMS
    earned: list[Earned] = []
    for currency, grade, source in sorted(lines):
        several = lines[currency, grade, source]
        sums = several[0] if len(several) == 1 else tuple(map(sum, zip(*several, strict=True)))
        if currency:
            earned.append(_earned(currency, _GRADES[-grade], _SOURCES[source], sums))
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
