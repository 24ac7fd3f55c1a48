"""Tariffs and periods for tests, written as short as they are read."""

from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from wattseal.model.cdr import ChargingPeriod, Dimension
from wattseal.model.tariff import PriceComponent, Restrictions, Tariff, TariffElement
from wattseal.pricing import Incomplete, Priced, price

D = Decimal
BERLIN = ZoneInfo("Europe/Berlin")
LONG_AGO = datetime(2015, 1, 1, tzinfo=UTC)
_KINDS = {"kwh": "ENERGY", "minutes": "TIME", "parked": "PARKING_TIME", "reserved": "RESERVATION_TIME"}
WEEKDAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY")


def component(kind: str, amount: str, vat: str | None = None, step: int = 1) -> PriceComponent:
    return PriceComponent(kind, D(amount), None if vat is None else D(vat), step)


def energy(amount: str, vat: str | None = None, step: int = 1) -> PriceComponent:
    return component("ENERGY", amount, vat, step)


def flat(amount: str, vat: str | None = None) -> PriceComponent:
    return component("FLAT", amount, vat)


def hourly(amount: str, vat: str | None = None, step: int = 1) -> PriceComponent:
    return component("TIME", amount, vat, step)


def parking(amount: str, vat: str | None = None, step: int = 1) -> PriceComponent:
    return component("PARKING_TIME", amount, vat, step)


def element(*components: PriceComponent, **restrictions: Any) -> TariffElement:
    """Return an element; `start_time="09:00"`, `min_kwh="5"`, `days=("MONDAY",)` and so on restrict it."""
    if not restrictions:
        return TariffElement(components)
    read: dict[str, Any] = {}
    for name, value in restrictions.items():
        if name.endswith("_time"):
            read[name] = time.fromisoformat(value)
        elif name.endswith("_date"):
            read[name] = date.fromisoformat(value)
        elif name.endswith(("_kwh", "_a", "_kw")):
            read[name] = D(value)
        else:
            read["days_of_week" if name == "days" else name] = value
    return TariffElement(components, Restrictions(**read))


def tariff(*elements: TariffElement | PriceComponent, **more: Any) -> Tariff:
    """Return a tariff of elements; components in a row are one element."""
    loose = tuple(e for e in elements if isinstance(e, PriceComponent))
    whole = tuple(e for e in elements if isinstance(e, TariffElement))
    first = (TariffElement(loose),) if loose else ()
    made = Tariff("DE", "ALL", "17", "EUR", (*first, *whole), LONG_AGO, time_zone="Europe/Berlin")
    return replace(made, **more)


def at(text: str) -> datetime:
    """Return a time in Berlin, or as its offset says."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=BERLIN)


def period(start: str | datetime, **volumes: str | float) -> ChargingPeriod:
    """Return a period; `kwh`, `minutes` of charging, `parked` and `reserved`, and others by OCPI's name."""
    dimensions = []
    for name, volume in volumes.items():
        kind = _KINDS.get(name, name.upper())
        amount = D(str(volume))
        dimensions.append(Dimension(kind, amount / 60 if kind.endswith("TIME") else amount))
    return ChargingPeriod(at(start) if isinstance(start, str) else start, tuple(dimensions), "17")


def priced(by: Tariff, *periods: ChargingPeriod) -> Priced:
    found = price(by, periods, ZoneInfo(by.time_zone))
    assert isinstance(found, Priced), found
    return found


def costs(by: Tariff, *periods: ChargingPeriod) -> tuple[str, str]:
    """Return the total before and after tax, as text."""
    whole = priced(by, *periods).total
    return str(whole.before_tax), str(whole.after_tax)


def lacks(by: Tariff, *periods: ChargingPeriod) -> tuple[str, ...]:
    """Return what there is no price for."""
    found = price(by, periods, ZoneInfo(by.time_zone))
    assert isinstance(found, Incomplete), found
    return found.what
