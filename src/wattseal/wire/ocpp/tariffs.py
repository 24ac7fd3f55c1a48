"""Our tariffs (OCPI vocabulary) as TariffType of 2.1 (part 2, I07): what it cannot say exactly is refused, never bent.

2.1 has no steps: it prices every watt-hour and second. Prices are before tax and by the minute.
"""

from collections.abc import Iterable
from datetime import date, time
from decimal import Decimal, Inexact, localcontext

from wattseal.base.errors import InputError
from wattseal.model.tariff import Price, PriceComponent, Restrictions, Tariff, TariffElement, TaxIncluded
from wattseal.wire.ocpp.message import Payload, present

MAX_ID = 60
_DIMENSIONS = {
    "ENERGY": ("energy", "priceKwh"),
    "TIME": ("chargingTime", "priceMinute"),
    "PARKING_TIME": ("idleTime", "priceMinute"),
    "FLAT": ("fixedFee", "priceFixed"),
}
_MINUTES = Decimal(60)
_EXACT_DIGITS = 28


def lower_tariff(tariff: Tariff) -> Payload:
    """Return the tariff as 2.1 spells it; `InputError` names what has no exact like there."""
    if len(tariff.id) > MAX_ID:
        raise _cannot("an id of more than 60 characters")
    if tariff.tax_included is TaxIncluded.YES:
        raise _cannot("prices that contain taxes")
    if tariff.idle_grace_s:
        raise _cannot("for how long a car may stand before that counts")
    told: Payload = {"tariffId": tariff.id, "currency": tariff.currency}
    for element in tariff.elements:
        for component in element.components:
            _add(told, element, component)
    return told | present(
        validFrom=tariff.start_at,
        minCost=None if tariff.min_price is None else _amount(tariff.min_price),
        maxCost=None if tariff.max_price is None else _amount(tariff.max_price),
    )


def _add(told: Payload, element: TariffElement, component: PriceComponent) -> None:
    place = _DIMENSIONS.get(component.type)
    if place is None:
        raise _cannot(f"the dimension {component.type}")
    if component.type != "FLAT" and component.step_size > 1:
        raise _cannot("a step size above 1")
    dimension, name = place
    taxes = None if component.vat_percent is None else [{"type": "VAT", "tax": component.vat_percent}]
    before = told.get(dimension)
    if isinstance(before, dict):
        if before.get("taxRates") != taxes:
            raise _cannot("two VAT rates in one dimension")
        prices: list[Payload] = before["prices"]
    else:
        prices = []
        told[dimension] = present(prices=prices, taxRates=taxes)
    price = _by_the_minute(component.price) if name == "priceMinute" else component.price
    conditions = None if element.restrictions is None else _conditions(element.restrictions, flat=name == "priceFixed")
    prices.append(present(**{name: price}, conditions=conditions or None))


def _by_the_minute(hourly: Decimal) -> Decimal:
    with localcontext(prec=_EXACT_DIGITS) as context:
        context.clear_flags()
        minute = hourly / _MINUTES
        if context.flags[Inexact]:
            raise _cannot("a price of an hour that is no exact price of a minute")
    return minute.normalize()


def _conditions(when: Restrictions, *, flat: bool) -> Payload:
    if when.unknown or when.reservation is not None:
        raise _cannot("a restriction by reservation, or one that is not known here")
    measured = present(
        minEnergy=_thousand(when.min_kwh),
        maxEnergy=_thousand(when.max_kwh),
        minCurrent=when.min_current_a,
        maxCurrent=when.max_current_a,
        minPower=_thousand(when.min_power_kw),
        maxPower=_thousand(when.max_power_kw),
        minTime=when.min_duration_s,
        maxTime=when.max_duration_s,
    )
    if flat and measured:
        raise _cannot("a fixed fee that depends on energy, power or time")
    return measured | present(
        startTimeOfDay=_clock(when.start_time),
        endTimeOfDay=_clock(when.end_time),
        validFromDate=_day(when.start_date),
        validToDate=_day(when.end_date),
        dayOfWeek=_days(when.days_of_week) or None,
    )


def _thousand(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else amount * 1000


def _clock(at: time | None) -> str | None:
    return None if at is None else at.strftime("%H:%M")


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _days(days: Iterable[str]) -> list[str]:
    return [day.capitalize() for day in days]


def _amount(price: Price) -> Payload:
    return present(exclTax=price.before_tax, inclTax=price.after_tax)


def _cannot(what: str) -> InputError:
    return InputError(f"OCPP 2.1 cannot say {what} in a tariff", code="tariff_not_expressible", subject="tariff")
