"""Charging periods, read: what was used in each, in whole milliseconds, and what is wrong with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import pairwise

from wattseal.model.cdr import ChargingPeriod
from wattseal.model.tariff import Tariff
from wattseal.pricing import clock
from wattseal.pricing.money import EXACT, ZERO
from wattseal.pricing.terms import ENERGY, PARKING_TIME, RESERVATION_TIME, TIME, Bounds, Terms, fits

HOUR_MS = 3_600_000
_HOUR = Decimal(HOUR_MS)
_MOST_DIGITS = 64
TIMES = (TIME, PARKING_TIME, RESERVATION_TIME)
VOLUMES = frozenset({ENERGY, *TIMES})
"""Dimensions of periods that may have a price; others tell power, current and the like."""


@dataclass(frozen=True, slots=True)
class Used:
    """A charging period, read: kWh, milliseconds of each kind of time, power and current as far as they are known."""

    number: int
    start_ms: int
    stated: frozenset[str]
    kwh: Decimal
    times_ms: tuple[int, int, int]
    power: Bounds | None
    current: Bounds | None

    @property
    def end_ms(self) -> int:
        """When the time that it states is over."""
        return self.start_ms + sum(self.times_ms)


def period_problems(tariff: Tariff, periods: Sequence[ChargingPeriod]) -> list[str]:
    """Name what is contradictory in the periods, and whether the tariff was in force at the session's start."""
    problems = [] if periods else ["periods_missing"]
    for number, period in enumerate(periods):
        problems += _problems(f"charging_periods[{number}]", tariff, period)
    if any(after.start_at < before.start_at for before, after in pairwise(periods)):
        problems.append("periods_out_of_order")
    if periods and tariff.start_at is not None and periods[0].start_at < tariff.start_at:
        problems.append("tariff_not_yet_valid")
    if periods and tariff.end_at is not None and periods[0].start_at >= tariff.end_at:
        problems.append("tariff_no_longer_valid")
    return problems


def _problems(where: str, tariff: Tariff, period: ChargingPeriod) -> list[str]:
    problems: list[str] = []
    if period.tariff_id is None:
        problems.append(f"tariff_id_missing:{where}")
    elif period.tariff_id.casefold() != tariff.id.casefold():
        problems.append(f"other_tariff:{where}")
    told: set[str] = set()
    for dimension in period.dimensions:
        kind, volume = dimension.type, dimension.volume
        if kind not in VOLUMES:
            continue
        if kind in told:
            problems.append(f"{kind.lower()}_twice:{where}")
        told.add(kind)
        negative = f"{kind.lower()}_negative:{where}"
        if not volume.is_finite() or volume < 0:
            problems.append(negative)
        elif not (fits(volume) if kind == ENERGY else _readable(volume)):
            problems.append("precision")
    if RESERVATION_TIME in told and len(told) > 1:
        problems.append(f"reservation_mixed:{where}")
    return problems


def _readable(hours: Decimal) -> bool:
    """Return whether hours are few enough, in few enough digits, to be read as milliseconds."""
    return hours.adjusted() < _MOST_DIGITS and len(hours.as_tuple().digits) <= _MOST_DIGITS


def read_period(number: int, period: ChargingPeriod) -> Used:
    """Read a period that has no problems."""
    volumes = {dimension.type: dimension.volume for dimension in period.dimensions}
    kwh = volumes.get(ENERGY, ZERO)
    time_ms, parking_ms, reserved_ms = (_hours_to_ms(volumes[kind]) if kind in volumes else 0 for kind in TIMES)
    power = _bounds(volumes, "POWER")
    length_ms = time_ms + parking_ms
    if power is None and length_ms and ENERGY in volumes:
        average = Fraction(kwh) * HOUR_MS / length_ms
        power = (average, average)
    return Used(
        number=number,
        start_ms=clock.milliseconds(period.start_at),
        stated=VOLUMES & volumes.keys(),
        kwh=kwh,
        times_ms=(time_ms, parking_ms, reserved_ms),
        power=power,
        current=_bounds(volumes, "CURRENT"),
    )


def _hours_to_ms(hours: Decimal) -> int:
    return int(EXACT.multiply(hours, _HOUR).to_integral_value(ROUND_HALF_UP))


def _bounds(volumes: dict[str, Decimal], quantity: str) -> Bounds | None:
    """Return the average where it is stated, else the least and the most, else None."""
    average = volumes.get(quantity)
    low, high = (
        (average, average) if average is not None else (volumes.get(f"MIN_{quantity}"), volumes.get(f"MAX_{quantity}"))
    )
    if low is None or high is None or not (low.is_finite() and high.is_finite()):
        return None
    return (low, high)


def use_problems(terms: Terms, used: Sequence[Used]) -> list[str]:
    """Name what the tariff prices and no period states, and sessions at times that are not priced."""
    stated = frozenset[str]().union(*(u.stated for u in used))
    end_ms = max(u.end_ms for u in used)
    if not clock.in_span(used[0].start_ms, end_ms):
        return ["time_span"]
    if clock.too_much(terms, len(used), used[0].start_ms, end_ms):
        return ["too_much"]
    if stated == {RESERVATION_TIME}:
        return []
    problems = []
    if ENERGY in terms.options and ENERGY not in stated:
        problems.append("energy_missing")
    if (TIME in terms.options or PARKING_TIME in terms.options) and not stated & {TIME, PARKING_TIME}:
        problems.append("time_missing")
    return problems
