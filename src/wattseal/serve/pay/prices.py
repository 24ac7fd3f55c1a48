"""A tariff as a driver reads it: what each thing costs, taxes in it wherever the tariff states them."""

from collections.abc import Iterator
from decimal import Decimal

from wattseal.model.tariff import Price, PriceComponent, Restrictions, Tariff, TaxIncluded
from wattseal.pricing.money import minor_unit_digits
from wattseal.serve.pay.texts import text

_NAMES = {"ENERGY": "energy", "FLAT": "flat", "TIME": "time", "PARKING_TIME": "parking"}
_DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")


def money(language: str, amount: Decimal, currency: str) -> str:
    """Return an amount with at least the digits of its currency."""
    digits = max(minor_unit_digits(currency), _places(amount))
    shown = f"{amount:.{digits}f}"
    return f"{shown.replace('.', ',') if language == 'de' else shown} {currency}"


def minor_money(language: str, amount: int, currency: str) -> str:
    """Return an amount of minor units."""
    return money(language, Decimal(amount).scaleb(-minor_unit_digits(currency)), currency)


def _places(amount: Decimal) -> int:
    exponent = amount.normalize().as_tuple().exponent
    return min(4, max(0, -exponent)) if isinstance(exponent, int) else 0


def lines(language: str, tariff: Tariff) -> tuple[tuple[str, str], ...]:
    """Return what there is to pay, as names and values in the order of the tariff."""
    found = [
        (text(language, _NAMES.get(component.type, "price")), _cost(language, tariff, component, element.restrictions))
        for element in tariff.elements
        for component in element.components
    ]
    found += [
        (text(language, name), money(language, _with_tax(price), tariff.currency))
        for name, price in (("least", tariff.min_price), ("most", tariff.max_price))
        if price is not None
    ]
    return tuple(found)


def taxed(tariff: Tariff) -> bool:
    """Return whether the prices shown are those with tax."""
    if tariff.tax_included is TaxIncluded.YES:
        return True
    return all(c.vat_percent is not None for element in tariff.elements for c in element.components)


def _with_tax(price: Price) -> Decimal:
    return price.before_tax if price.after_tax is None else price.after_tax


def _cost(language: str, tariff: Tariff, component: PriceComponent, when: Restrictions | None) -> str:
    price = component.price
    if tariff.tax_included is not TaxIncluded.YES and component.vat_percent is not None:
        price += price * component.vat_percent / 100
    unit = {"ENERGY": "/kWh", "FLAT": ""}.get(component.type, f" {text(language, 'per_hour')}")
    under = ", ".join(_conditions(language, when)) if when is not None else ""
    return f"{money(language, price, tariff.currency)}{unit}{f' ({under})' if under else ''}"


def _conditions(language: str, when: Restrictions) -> Iterator[str]:
    if when.start_time is not None or when.end_time is not None:
        start = "0:00" if when.start_time is None else f"{when.start_time:%H:%M}"
        end = "24:00" if when.end_time is None else f"{when.end_time:%H:%M}"
        yield text(language, "from_to", a=start, b=end)
    if when.days_of_week:
        names = text(language, "days").split()
        yield " ".join(names[_DAYS.index(day)] for day in when.days_of_week if day in _DAYS)
    for least, most, unit in ((when.min_kwh, when.max_kwh, "kWh"), (when.min_power_kw, when.max_power_kw, "kW")):
        shown = (None if limit is None else f"{limit} {unit}" for limit in (least, most))
        yield from _between(language, *shown)
    shortest, longest = (
        None if seconds is None else text(language, "minutes", n=-(-seconds // 60))
        for seconds in (when.min_duration_s, when.max_duration_s)
    )
    yield from _between(language, shortest, longest)
    further = (when.start_date, when.end_date, when.min_current_a, when.max_current_a, when.reservation)
    if when.unknown or any(value is not None for value in further):
        yield text(language, "conditions")


def _between(language: str, least: str | None, most: str | None) -> Iterator[str]:
    if least is not None:
        yield text(language, "beyond", a=least)
    if most is not None:
        yield text(language, "up_to", a=most)
