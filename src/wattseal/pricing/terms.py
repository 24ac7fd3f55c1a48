"""A tariff's terms, checked: what prices each dimension, in order, and the conditions it applies under.

Reservations are priced apart: an element with the restriction RESERVATION or RESERVATION_EXPIRES prices reserved time
and nothing else, and no other element does (OCPI 2.2.1 and 2.3.0, module tariffs, TariffRestrictions).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date, datetime, time
from decimal import Context, Decimal, Inexact

from wattseal.model.tariff import Price, PriceComponent, Restrictions, Tariff, TaxIncluded
from wattseal.pricing.money import ZERO, Amount

ENERGY, FLAT, TIME, PARKING_TIME = "ENERGY", "FLAT", "TIME", "PARKING_TIME"
RESERVATION, RESERVATION_EXPIRES = "RESERVATION", "RESERVATION_EXPIRES"
RESERVATION_TIME, RESERVATION_FLAT = "RESERVATION_TIME", "RESERVATION_FLAT"
"""Reserved time in a CDR's periods and in traces; a reservation's FLAT in traces."""
DIMENSIONS = frozenset({ENERGY, FLAT, TIME, PARKING_TIME})
WEEKDAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
MIDNIGHT = time(0)
HUNDRED = Decimal(100)
_CURRENCY = re.compile(r"[A-Z]{3}")
_RESERVED = {TIME: RESERVATION_TIME, FLAT: RESERVATION_FLAT}
_MEASURED = ("min_kwh", "max_kwh", "min_current_a", "max_current_a", "min_power_kw", "max_power_kw")
_DURATIONS = ("min_duration_s", "max_duration_s")
_LARGEST, _EXPONENTS = Decimal(2**63), 32
"""Numbers in records are mantissa x 10^exponent with a mantissa below 2^63 and exponents within +-32."""
_FEW_DIGITS = 16
_FEW = Context(prec=_FEW_DIGITS, traps=[Inexact])
_MANY = Context(prec=64)

Bounds = tuple[Amount, Amount]
"""The least and the most that a power or a current was."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When an element is looked for: local wall time, the session's age and energy so far, power and current if known.

    Energy is in kWh, power in kW, current in A, `age_ms` in milliseconds.
    """

    local: datetime
    age_ms: int
    kwh: Decimal
    power: Bounds | None
    current: Bounds | None


@dataclass(frozen=True, slots=True)
class Condition:
    """When an element applies: all that is given holds. Min inclusive, max exclusive; local wall time and days."""

    start: time | None
    end: time | None
    start_date: date | None
    end_date: date | None
    days: frozenset[int]
    durations_ms: tuple[int | None, int | None]
    kwh: tuple[Decimal | None, Decimal | None]
    power: tuple[Decimal | None, Decimal | None]
    current: tuple[Decimal | None, Decimal | None]

    @property
    def beyond_energy(self) -> bool:
        """Whether it restricts by anything but the energy of the session."""
        by_clock = (self.start, self.end, self.start_date, self.end_date, *self.durations_ms)
        return bool(self.days) or any(limit is not None for limit in (*by_clock, *self.power, *self.current))

    def holds_by_clock(self, local: datetime, age_ms: int) -> bool:
        """Return whether time of day, date, day of the week and the session's age are as restricted."""
        if self.start is not None or self.end is not None:
            clock = local.time()
            after = self.start is None or clock >= self.start
            before = self.end is None or clock < self.end
            wraps = self.start is not None and self.end is not None and self.end < self.start
            if not ((after or before) if wraps else (after and before)):
                return False
        if self.start_date is not None and local.date() < self.start_date:
            return False
        if self.end_date is not None and local.date() >= self.end_date:
            return False
        if self.days and local.weekday() not in self.days:
            return False
        least_ms, most_ms = self.durations_ms
        return (least_ms is None or age_ms >= least_ms) and (most_ms is None or age_ms < most_ms)

    def lacks(self, moment: Moment) -> str | None:
        """Return "no" where it does not hold, "power" or "current" where that is not known well enough, else None."""
        least, most = self.kwh
        if (least is not None and moment.kwh < least) or (most is not None and moment.kwh >= most):
            return "no"
        if not self.holds_by_clock(moment.local, moment.age_ms):
            return "no"
        power, current = _within(self.power, moment.power), _within(self.current, moment.current)
        if power is False or current is False:
            return "no"
        if power is None:
            return "power"
        return "current" if current is None else None


def _within(limits: tuple[Decimal | None, Decimal | None], bounds: Bounds | None) -> bool | None:
    """Return whether a quantity somewhere between `bounds` keeps within `limits`; None where that is not known."""
    least, most = limits
    if least is None and most is None:
        return True
    if bounds is None:
        return None
    low, high = bounds
    if (least is not None and high < least) or (most is not None and low >= most):
        return False
    return True if (least is None or low >= least) and (most is None or high < most) else None


@dataclass(frozen=True, slots=True)
class Option:
    """A component that prices a dimension under a condition (None: always), and its place in the tariff."""

    element: int
    place: int
    component: PriceComponent
    condition: Condition | None


@dataclass(frozen=True, slots=True)
class Terms:
    """What a tariff says. `options` are by dimension in the tariff's order; those of reservations have their own.

    `walls` are the times of day at which something may change, `by_day` says that days matter, `ages_ms` and `kwh` are
    the ages and energies of a session at which something may change, `powers_kw` the powers; `conditions` are all.
    """

    options: dict[str, tuple[Option, ...]]
    expired: dict[str, tuple[Option, ...]]
    walls: tuple[time, ...]
    by_day: bool
    ages_ms: tuple[int, ...]
    kwh: tuple[Decimal, ...]
    powers_kw: tuple[Decimal, ...]
    conditions: tuple[Condition, ...]

    @property
    def by_clock(self) -> bool:
        """Whether the time of day or the day matters."""
        return self.by_day or bool(self.walls)

    @property
    def by_readings(self) -> bool:
        """Whether it matters what happened between a session's start and end."""
        if TIME in self.options or PARKING_TIME in self.options:
            return True
        mine = (option.condition for kind in (ENERGY, FLAT) for option in self.options.get(kind, ()))
        return any(condition is not None and condition.beyond_energy for condition in mine)


def terms_of(tariff: Tariff) -> tuple[Terms, list[str]]:
    """Return the terms and what is wrong with them, as codes with the place after a colon."""
    problems = _tariff_problems(tariff)
    options: dict[str, list[Option]] = {}
    expired: dict[str, list[Option]] = {}
    conditions: list[Condition] = []
    for number, element in enumerate(tariff.elements):
        restrictions = element.restrictions
        if restrictions is not None:
            problems += _restriction_problems(f"elements[{number}]", restrictions)
        condition = None if restrictions is None else _condition(restrictions)
        if condition is not None:
            conditions.append(condition)
        reservation = None if restrictions is None else restrictions.reservation
        group = expired if reservation == RESERVATION_EXPIRES else options
        seen: set[str] = set()
        for place, component in enumerate(element.components):
            where = f"elements[{number}].price_components[{place}]"
            problems += _component_problems(where, component, tariff.tax_included)
            kind = component.type if reservation is None else _RESERVED.get(component.type)
            if component.type not in DIMENSIONS or kind is None:
                problems.append(f"dimension:{where}")
            elif kind in seen:
                problems.append(f"second_component:{where}")
            else:
                seen.add(kind)
                group.setdefault(kind, []).append(Option(number, place, component, condition))
    return _terms(options, expired, conditions), problems


def _terms(options: dict[str, list[Option]], expired: dict[str, list[Option]], conditions: list[Condition]) -> Terms:
    frozen = {kind: tuple(found) for kind, found in options.items()}
    late = {kind: tuple(found) for kind, found in expired.items()}
    if not conditions:
        return Terms(frozen, late, (), by_day=False, ages_ms=(), kwh=(), powers_kw=(), conditions=())
    return Terms(
        options=frozen,
        expired=late,
        walls=tuple(sorted({wall for c in conditions for wall in (c.start, c.end) if wall is not None})),
        by_day=any(c.days or c.start_date is not None or c.end_date is not None for c in conditions),
        ages_ms=tuple(sorted({age for c in conditions for age in c.durations_ms if age})),
        kwh=tuple(sorted({kwh for c in conditions for kwh in c.kwh if kwh})),
        powers_kw=tuple(sorted({power for c in conditions for power in c.power if power is not None})),
        conditions=tuple(conditions),
    )


def _condition(r: Restrictions) -> Condition | None:
    end = None if r.end_time == MIDNIGHT else r.end_time
    condition = Condition(
        start=None if r.start_time == MIDNIGHT and end is None else r.start_time,
        end=end,
        start_date=r.start_date,
        end_date=r.end_date,
        days=frozenset(WEEKDAYS.index(day) for day in r.days_of_week if day in WEEKDAYS),
        durations_ms=(_milliseconds(r.min_duration_s), _milliseconds(r.max_duration_s)),
        kwh=(r.min_kwh, r.max_kwh),
        power=(r.min_power_kw, r.max_power_kw),
        current=(r.min_current_a, r.max_current_a),
    )
    return None if condition == _ALWAYS else condition


_ALWAYS = Condition(None, None, None, None, frozenset(), (None, None), (None, None), (None, None), (None, None))


def _milliseconds(seconds: int | None) -> int | None:
    return None if seconds is None else seconds * 1000


def _tariff_problems(tariff: Tariff) -> list[str]:
    """Name what is wrong with the tariff as a whole."""
    problems = [] if tariff.elements else ["elements_missing"]
    if _CURRENCY.fullmatch(tariff.currency) is None:
        problems.append("currency")
    if tariff.idle_grace_s < 0:
        problems.append("idle_grace_s")
    least, most = tariff.min_price, tariff.max_price
    for name, limit in (("min_price", least), ("max_price", most)):
        if limit is not None:
            amounts = [amount for amount in (limit.before_tax, limit.after_tax) if amount is not None]
            problems += number_problems(amounts, name)
            if all(amount.is_finite() for amount in amounts) and amounts != sorted(amounts):
                problems.append(f"limits_contradict:{name}")
    if least is not None and most is not None and not problems and _crossed(least, most):
        problems.append("limits_contradict:min_price")
    return problems


def _crossed(least: Price, most: Price) -> bool:
    after = least.after_tax is not None and most.after_tax is not None and least.after_tax > most.after_tax
    return after or least.before_tax > most.before_tax


def _component_problems(where: str, component: PriceComponent, tax: TaxIncluded) -> list[str]:
    vat = component.vat_percent
    problems = number_problems((component.price,), f"price:{where}")
    if component.type != FLAT and component.type in DIMENSIONS and component.step_size < 1:
        problems.append(f"step_size:{where}")
    if vat is None:
        return problems
    most = ZERO if tax is TaxIncluded.NOT_APPLICABLE else HUNDRED
    if not (vat.is_finite() and 0 <= vat <= most):
        problems.append(f"vat:{where}")
    elif not fits(vat):
        problems.append("precision")
    return problems


def _restriction_problems(where: str, r: Restrictions) -> list[str]:
    """Name what cannot be held against a session; a name nobody here knows may restrict more than it seems."""
    problems = [f"restriction_unknown:{where}.{name}" for name in r.unknown]
    problems += [f"restriction_unknown:{where}.day_of_week" for day in r.days_of_week if day not in WEEKDAYS]
    if r.reservation not in {None, RESERVATION, RESERVATION_EXPIRES}:
        problems.append(f"restriction_unknown:{where}.reservation")
    if r.start_time is not None and r.start_time == r.end_time != MIDNIGHT:
        problems.append(f"restriction:{where}.end_time")
    for name in _MEASURED:
        amount = getattr(r, name)
        if amount is not None:
            problems += number_problems((amount,), f"restriction:{where}.{name}")
    for name in _DURATIONS:
        seconds = getattr(r, name)
        if seconds is not None and not 0 <= seconds < _LARGEST:
            problems.append(f"restriction:{where}.{name}")
    if r.reservation is not None:
        told = (f.name for f in fields(r) if f.name in {*_MEASURED, *_DURATIONS} and getattr(r, f.name) is not None)
        problems += [f"restriction:{where}.{name}" for name in told]
    return problems


def number_problems(numbers: Iterable[Decimal], code: str) -> list[str]:
    """Return `code` for what is no number, and `precision` for what has more digits than records hold."""
    problems = []
    for number in numbers:
        if not number.is_finite():
            problems.append(code)
        elif not fits(number):
            problems.append("precision")
    return problems


def fits(number: Decimal) -> bool:
    """Return whether a record can hold a finite number."""
    if -_FEW_DIGITS < number.adjusted() < _EXPONENTS:
        try:
            _FEW.plus(number)
        except Inexact:
            pass
        else:
            return True
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) > _EXPONENTS:
        return False
    return number.copy_abs() < _LARGEST.scaleb(exponent, _MANY)
