"""The price of a session under an OCPI tariff, with a trace that says what was applied where, and why.

Priced today: tariffs of at most one ENERGY and one FLAT price component, without restrictions, minimum or maximum, in
prices before tax. Everything else is `Incomplete` and says what it stumbled over: a price is never guessed.

Rules (OCPI 2.2.1, modules tariffs and cdrs): FLAT is charged once a session. ENERGY is summed over the session and
rounded up once to a multiple of `step_size` Wh; the rounding belongs to the last period with energy. A dimension that
no component prices is free. VAT is per component; a component without VAT bears none. Amounts are exact until the two
totals, before and after tax, are each rounded (docs/adr/0009-rounding.md).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal, Inexact, InvalidOperation
from itertools import pairwise

from wattseal.model.cdr import ChargingPeriod
from wattseal.model.tariff import Price, PriceComponent, Tariff, TaxIncluded
from wattseal.pricing.money import COMPONENT_DIGITS, EXACT, minor_unit_digits, rounded

ENERGY = "ENERGY"
FLAT = "FLAT"
_CURRENCY = re.compile(r"[A-Z]{3}")
_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class TraceLine:
    """One application of one component.

    `period` counts from 0, None for the session as a whole; `local_start` is the period's (or session's) start in the
    station's zone; `element` and `component` are places in the tariff, None where nothing prices the dimension.
    `quantity` is kWh of ENERGY or pieces of FLAT; amounts are exact. `why` is one of: flat_once, only_energy_component,
    step_size_once, dimension_not_priced.
    """

    why: str
    dimension: str
    period: int | None
    local_start: datetime
    element: int | None
    component: int | None
    quantity: Decimal
    unit_price: Decimal
    vat_percent: Decimal | None
    before_tax: Decimal
    after_tax: Decimal


@dataclass(frozen=True, slots=True)
class Priced:
    """A session's price: `total` rounded to the currency's minor unit, the exact way there in `trace`."""

    total: Price
    currency: str
    trace: tuple[TraceLine, ...]

    def cost_of(self, dimension: str) -> Price:
        """Return the cost of one dimension, rounded to four digits as CDR components are."""
        lines = [line for line in self.trace if line.dimension == dimension]
        return Price(
            rounded(_sum(line.before_tax for line in lines), COMPONENT_DIGITS),
            rounded(_sum(line.after_tax for line in lines), COMPONENT_DIGITS),
        )


@dataclass(frozen=True, slots=True)
class Incomplete:
    """No price: `what` are sorted codes, with the place after a colon, of all that is not priced or not stated."""

    what: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Found:
    """A component and its place in the tariff."""

    element: int
    place: int
    component: PriceComponent


def price(tariff: Tariff, periods: Sequence[ChargingPeriod], zone: tzinfo) -> Priced | Incomplete:
    """Price a session's charging periods, in order, under `tariff`; `zone` is the charging station's time zone."""
    if any(period.start_at.utcoffset() is None for period in periods):
        return Incomplete(("time_without_zone",))
    found, problems = _components(tariff)
    problems += _tariff_problems(tariff, periods) + _period_problems(tariff, periods, energy_priced=ENERGY in found)
    if problems:
        return Incomplete(tuple(sorted(set(problems))))
    try:
        return _priced(tariff, found, periods, zone)
    except (Inexact, InvalidOperation):
        return Incomplete(("precision",))


def _components(tariff: Tariff) -> tuple[dict[str, _Found], list[str]]:
    """Find the ENERGY and the FLAT component, naming everything else."""
    found: dict[str, _Found] = {}
    problems = [] if tariff.elements else ["elements_missing"]
    for number, element in enumerate(tariff.elements):
        if element.restrictions is not None:
            problems.append(f"restrictions:elements[{number}]")
        for place, component in enumerate(element.components):
            where = f"elements[{number}].price_components[{place}]"
            if component.type not in {ENERGY, FLAT}:
                problems.append(f"dimension:{where}")
            elif component.type in found:
                problems.append(f"second_component:{where}")
            if component.type == ENERGY and component.step_size < 1:
                problems.append(f"step_size:{where}")
            if not component.price.is_finite():
                problems.append(f"price:{where}")
            vat = component.vat_percent
            if vat is not None and not (vat.is_finite() and 0 <= vat <= _HUNDRED):
                problems.append(f"vat:{where}")
            found.setdefault(component.type, _Found(number, place, component))
    return found, problems


def _tariff_problems(tariff: Tariff, periods: Sequence[ChargingPeriod]) -> list[str]:
    """Name what the tariff as a whole says beyond components."""
    start_at = periods[0].start_at if periods else None
    problems = {
        "currency": _CURRENCY.fullmatch(tariff.currency) is None,
        "min_price": tariff.min_price is not None,
        "max_price": tariff.max_price is not None,
        "tax_included": tariff.tax_included is not TaxIncluded.NO,
        "tariff_not_yet_valid": bool(start_at and tariff.start_at and start_at < tariff.start_at),
        "tariff_no_longer_valid": bool(start_at and tariff.end_at and start_at >= tariff.end_at),
    }
    return [code for code, present in problems.items() if present]


def _period_problems(tariff: Tariff, periods: Sequence[ChargingPeriod], *, energy_priced: bool) -> list[str]:
    """Name what is missing or contradictory in the periods."""
    problems = [] if periods else ["periods_missing"]
    stated = False
    for number, period in enumerate(periods):
        where = f"charging_periods[{number}]"
        energies = [d.volume for d in period.dimensions if d.type == ENERGY]
        stated = stated or bool(energies)
        if period.tariff_id is None:
            problems.append(f"tariff_id_missing:{where}")
        elif period.tariff_id.casefold() != tariff.id.casefold():
            problems.append(f"other_tariff:{where}")
        if len(energies) > 1:
            problems.append(f"energy_twice:{where}")
        if any(not volume.is_finite() or volume < 0 for volume in energies):
            problems.append(f"energy_negative:{where}")
    if any(after.start_at < before.start_at for before, after in pairwise(periods)):
        problems.append("periods_out_of_order")
    if energy_priced and periods and not stated:
        problems.append("energy_missing")
    return problems


def _priced(tariff: Tariff, found: dict[str, _Found], periods: Sequence[ChargingPeriod], zone: tzinfo) -> Priced:
    trace = []
    if flat := found.get(FLAT):
        trace.append(_line("flat_once", flat, None, periods[0].start_at.astimezone(zone), Decimal(1)))
    energy = found.get(ENERGY)
    total_kwh, last = Decimal(0), None
    for number, period in enumerate(periods):
        local_start = period.start_at.astimezone(zone)
        for dimension in period.dimensions:
            if dimension.type != ENERGY or energy is None:
                trace.append(_free(dimension.type, number, local_start, dimension.volume))
                continue
            trace.append(_line("only_energy_component", energy, number, local_start, dimension.volume))
            total_kwh = EXACT.add(total_kwh, dimension.volume)
            last = (number, local_start) if dimension.volume else last
    if energy is not None and last is not None:
        more_kwh = EXACT.subtract(_stepped_kwh(total_kwh, energy.component.step_size), total_kwh)
        if more_kwh:
            trace.append(_line("step_size_once", energy, *last, more_kwh))
    digits = minor_unit_digits(tariff.currency)
    total = Price(
        rounded(_sum(line.before_tax for line in trace), digits),
        rounded(_sum(line.after_tax for line in trace), digits),
    )
    return Priced(total, tariff.currency, tuple(trace))


def _stepped_kwh(total_kwh: Decimal, step_size_wh: int) -> Decimal:
    """Return the energy billed: the least multiple of the step that is not below what was charged."""
    wh = EXACT.scaleb(total_kwh, 3)
    steps, rest = EXACT.divmod(wh, Decimal(step_size_wh))
    if rest:
        steps = EXACT.add(steps, Decimal(1))
    return EXACT.scaleb(EXACT.multiply(steps, Decimal(step_size_wh)), -3)


def _line(why: str, found: _Found, period: int | None, local_start: datetime, quantity: Decimal) -> TraceLine:
    component = found.component
    before_tax = EXACT.multiply(component.price, quantity)
    factor = EXACT.scaleb(EXACT.add(_HUNDRED, component.vat_percent or Decimal(0)), -2)
    return TraceLine(
        why=why,
        dimension=component.type,
        period=period,
        local_start=local_start,
        element=found.element,
        component=found.place,
        quantity=quantity,
        unit_price=component.price,
        vat_percent=component.vat_percent,
        before_tax=before_tax,
        after_tax=EXACT.multiply(before_tax, factor),
    )


def _free(dimension: str, period: int, local_start: datetime, quantity: Decimal) -> TraceLine:
    nothing = Decimal(0)
    return TraceLine(
        "dimension_not_priced", dimension, period, local_start, None, None, quantity, nothing, None, nothing, nothing
    )


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    total = Decimal(0)
    for amount in amounts:
        total = EXACT.add(total, amount)
    return total
