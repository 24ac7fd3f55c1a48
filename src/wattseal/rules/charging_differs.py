"""Where two composite schedules differ: what a station says it does, beside what its profiles come to."""

from bisect import bisect_right
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from wattseal.model.charging import Composite, RateUnit
from wattseal.rules.charging_rates import Electrics, convert, limit_of
from wattseal.rules.charging_spans import seconds

TOLERANCE = Decimal("0.02")
"""Share of a limit that rounding and another idea of the voltage may make; beyond it limits differ."""
SLACK = {RateUnit.A: Decimal("0.2"), RateUnit.W: Decimal(150)}
"""What may differ anyway: rounding to tenths of an ampere, on three phases."""
SLACK_S = 5
"""A boundary may be so far off: the station computed its answer a little later."""


@dataclass(frozen=True, slots=True)
class Difference:
    """From `start_s` to `end_s` after our schedule's start, in our unit; `theirs` None is no limit.

    `above` says that the station would allow more than its profiles do. Less is its right (local limits, K08).
    """

    start_s: int
    end_s: int
    ours: Decimal | None
    theirs: Decimal | None
    above: bool


def differences(ours: Composite, theirs: Composite, electrics: Electrics) -> tuple[Difference, ...]:
    """Return where they differ by more than `TOLERANCE`, over the time both speak about and we have a limit."""
    first, other = seconds(ours.start), seconds(theirs.start)
    begin, end = max(first, other), min(first + ours.duration_s, other + theirs.duration_s)
    moments = {begin, *(first + p.start_s for p in ours.periods), *(other + p.start_s for p in theirs.periods)}
    inside = [*sorted(moment for moment in moments if begin <= moment < end), end]
    found: list[Difference] = []
    for start, stop in pairwise(inside):
        if stop - start <= SLACK_S:
            continue
        mine, told = _at(ours, start - first, ours.unit, electrics), _at(theirs, start - other, ours.unit, electrics)
        if not _same(mine, told, ours.unit):
            above = told is None or mine is None or told > mine
            _add(found, Difference(start - first, stop - first, mine, told, above))
    return tuple(found)


def _add(found: list[Difference], one: Difference) -> None:
    last = found[-1] if found else None
    if last is not None and last.end_s == one.start_s and (last.ours, last.theirs) == (one.ours, one.theirs):
        found[-1] = Difference(last.start_s, one.end_s, one.ours, one.theirs, one.above)
    else:
        found.append(one)


def _at(composite: Composite, moment_s: int, unit: RateUnit, electrics: Electrics) -> Decimal | None:
    place = bisect_right(composite.periods, moment_s, key=lambda period: period.start_s) - 1
    if place < 0:
        return None
    period = composite.periods[place]
    limit = limit_of(period, composite.unit)
    return None if limit is None else convert(limit, composite.unit, unit, electrics, period.phases)


def _same(mine: Decimal | None, told: Decimal | None, unit: RateUnit) -> bool:
    if mine is None:
        return True
    if told is None:
        return False
    return abs(mine - told) <= max(SLACK[unit], abs(mine) * TOLERANCE)
