"""A schedule for an EV that told what it needs (ISO 15118): within all limits, and within what the EV can take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from wattseal.model.charging import Composite, Period, Profile, ProfileKind, Purpose, RateUnit, Schedule
from wattseal.rules.charging_rates import Electrics, convert

AHEAD_S = 86_400
"""How far a schedule reaches where the EV names no departure."""
MIN_AHEAD_S = 900
MAX_PERIODS = 24
"""Periods offered where the EV states no maximum; stations take at least as many (PeriodsPerSchedule)."""
NEEDS_PROFILE_ID = 2_000_000
"""Profiles computed for EVs have this id plus the EVSE's number."""


NO_LIMIT = {RateUnit.A: Decimal(999), RateUnit.W: Decimal(999_999)}
"""What a period without limit is offered with: it has to state one."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What limits an EV: its unit (A of AC, W else), the most it takes, and when it leaves."""

    unit: RateUnit
    most: Decimal | None
    least: Decimal | None = None
    departure: datetime | None = None

    def ahead_s(self, now: datetime) -> int:
        """Return how far to plan."""
        if self.departure is None or self.departure.tzinfo is None:
            return AHEAD_S
        left = self.departure - now
        return min(AHEAD_S, max(MIN_AHEAD_S, int(left.total_seconds())))

    def within(self, unit: RateUnit, electrics: Electrics) -> "Needs":
        """Return them in another unit."""
        if unit is self.unit or self.most is None:
            return replace(self, unit=unit)
        return replace(self, unit=unit, most=convert(self.most, self.unit, unit, electrics, None))


def read_needs(told: Mapping[str, Any]) -> Needs | None:
    """Return the needs in a ChargingNeedsType (K15.FR.06, K18.FR.06); None where it says nothing that limits."""
    departure = told.get("departureTime")
    at = None if departure is None else msgspec.convert(departure, datetime)
    ac, dc, v2x = (told.get(f"{name}ChargingParameters") for name in ("ac", "dc", "v2x"))
    if ac is not None:
        return Needs(RateUnit.A, _number(ac, "evMaxCurrent"), _number(ac, "evMinCurrent"), at)
    if dc is not None:
        return Needs(RateUnit.W, _most_of_dc(dc), None, at)
    if v2x is not None:
        return Needs(RateUnit.W, _number(v2x, "maxChargePower"), _number(v2x, "minChargePower"), at)
    return None


def plan(needs: Needs, limits: Composite, max_tuples: int | None) -> Schedule:
    """Return the schedule: at each time the lower of the limit and what the EV takes, in at most so many periods.

    Where there are more, neighbours become one with the lowest limit of them.
    """
    open_limit = NO_LIMIT[limits.unit]
    periods = [
        replace(period, limit=_lowest(period.limit, needs.most, open_limit), mode=None) for period in limits.periods
    ]
    room = MAX_PERIODS if max_tuples is None else max(1, min(MAX_PERIODS, max_tuples))
    periods = _joined(periods, room)
    return Schedule(unit=limits.unit, periods=tuple(periods), start=limits.start, duration_s=limits.duration_s)


def profile_for(schedule: Schedule, evse_id: int, transaction_id: str, level: int) -> Profile:
    """Return the profile of an EV's transaction (K15.FR.07)."""
    return Profile(
        id=NEEDS_PROFILE_ID + evse_id,
        stack_level=level,
        purpose=Purpose.TX,
        kind=ProfileKind.ABSOLUTE,
        schedules=(schedule,),
        transaction_id=transaction_id,
    )


def exceeds(schedule: Schedule, begins: datetime, limits: Composite) -> int | None:
    """Return the second after `begins` at which an EV's own schedule is first above the limits, None for never.

    Both are in one unit; the limits begin where the schedule does (K15.FR.11, 12).
    """
    moments = sorted({p.start_s for p in schedule.periods} | {p.start_s for p in limits.periods if p.start_s >= 0})
    offset = int((begins - limits.start) / timedelta(seconds=1))
    end = limits.duration_s if schedule.duration_s is None else min(limits.duration_s, schedule.duration_s)
    for moment in moments:
        if not 0 <= moment < end:
            continue
        drawn, allowed = _at(schedule.periods, moment), _at(limits.periods, moment + offset)
        if drawn is not None and allowed is not None and drawn > allowed:
            return moment
    return None


def _at(periods: Sequence[Period], moment: int) -> Decimal | None:
    begun = [period for period in periods if period.start_s <= moment]
    return begun[-1].limit if begun else None


def _joined(periods: list[Period], room: int) -> list[Period]:
    if len(periods) <= room:
        return periods
    size = -(-len(periods) // room)
    groups = [periods[place : place + size] for place in range(0, len(periods), size)]
    return [replace(group[0], limit=_lowest(*(period.limit for period in group))) for group in groups]


def _lowest(*amounts: Decimal | None) -> Decimal | None:
    return min((amount for amount in amounts if amount is not None), default=None)


def _most_of_dc(dc: Mapping[str, Any]) -> Decimal | None:
    power = _number(dc, "evMaxPower")
    current, voltage = _number(dc, "evMaxCurrent"), _number(dc, "evMaxVoltage")
    return current * voltage if power is None and current is not None and voltage is not None else power


def _number(told: Mapping[str, Any], name: str) -> Decimal | None:
    """Return a positive figure of believable size."""
    value = told.get(name)
    if value is None:
        return None
    number = Decimal(str(value))
    return number if 0 < number <= _MOST else None


_MOST = Decimal(10) ** 9
