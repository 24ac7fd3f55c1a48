"""A tariff inside a TARIFF record's public field 1 (docs/spec/bundle.md, "Tariff").

It holds all that prices depend on. What could not be priced by anybody who reads it is refused when the record is
written, so that no reader ever prices less than the tariff says.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from wattseal.base.errors import InputError
from wattseal.model.tariff import Price, PriceComponent, Restrictions, Tariff, TariffElement, TaxIncluded
from wattseal.pricing.clock import zone_of
from wattseal.pricing.terms import RESERVATION, RESERVATION_EXPIRES, WEEKDAYS, terms_of
from wattseal.seal.dcbor import CborError
from wattseal.seal.reading import decimal_from, decimal_to_value

_TAXES = tuple(TaxIncluded)
_RESERVATIONS = (RESERVATION, RESERVATION_EXPIRES)
_DECIMALS = {
    5: "min_kwh",
    6: "max_kwh",
    7: "min_current_a",
    8: "max_current_a",
    9: "min_power_kw",
    10: "max_power_kw",
}
_DURATIONS = {11: "min_duration_s", 12: "max_duration_s"}
_REQUIRED = frozenset(range(1, 7))
_KNOWN = frozenset(range(1, 15))


def tariff_to_value(tariff: Tariff) -> dict[int, Any]:
    """Return the tariff's map; `InputError` names what nobody could price."""
    if zone_of(tariff.time_zone) is None:
        text = f"there is no time zone {tariff.time_zone}; give an IANA name such as Europe/Berlin"
        raise InputError(text, code="bad_time_zone", subject="time_zone")
    problems = terms_of(tariff)[1]
    if problems:
        text = f"this tariff could not be priced: {', '.join(problems)} (docs/spec/pricing.md has the codes)"
        raise InputError(text, code="tariff_not_priceable", subject=problems[0].rpartition(":")[2])
    zone = None if tariff.time_zone == "UTC" else tariff.time_zone
    taxes = _TAXES.index(tariff.tax_included)
    value: dict[int, Any] = {
        1: tariff.country_code,
        2: tariff.party_id,
        3: tariff.id,
        4: tariff.currency,
        5: [_element_to_value(element) for element in tariff.elements],
        6: _ms(tariff.last_updated),
        7: None if tariff.start_at is None else _ms(tariff.start_at),
        8: None if tariff.end_at is None else _ms(tariff.end_at),
        9: tariff.type,
        10: None if tariff.tax_included is TaxIncluded.NO else taxes,
        11: _price_to_value(tariff.min_price),
        12: _price_to_value(tariff.max_price),
        13: zone,
        14: tariff.idle_grace_s or None,
    }
    return {number: told for number, told in value.items() if told is not None}


def tariff_from_value(value: Any) -> Tariff:
    """Read a tariff's map; `CborError` names the field."""
    match value:
        case {1: str(country), 2: str(party), 3: str(name), 4: str(currency), 5: [*elements], 6: int(updated)} if (
            value.keys() <= _KNOWN
        ):
            return Tariff(
                country_code=country,
                party_id=party,
                id=name,
                currency=currency,
                elements=tuple(map(_element_from, elements)),
                last_updated=moment(updated),
                type=_optional(value, 9, str, "type"),
                tax_included=_tax_from(value.get(10)),
                min_price=_price_from(value.get(11), "min_price"),
                max_price=_price_from(value.get(12), "max_price"),
                start_at=None if value.get(7) is None else moment(value[7]),
                end_at=None if value.get(8) is None else moment(value[8]),
                time_zone=_optional(value, 13, str, "time_zone") or "UTC",
                idle_grace_s=_optional(value, 14, int, "idle_grace_s") or 0,
            )
    raise CborError("a tariff is {1: country, 2: party, 3: id, 4: currency, 5: elements, 6: updated}", subject="tariff")


def moment(ms: Any) -> datetime:
    """Return Unix milliseconds as an aware UTC time."""
    if type(ms) is not int or not 0 <= ms < 2**47:
        raise CborError("a time is Unix milliseconds", subject="time")
    return datetime.fromtimestamp(ms / 1000, UTC)


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _optional(value: Mapping[int, Any], number: int, kind: type, name: str) -> Any:
    found = value.get(number)
    if found is not None and type(found) is not kind:
        raise CborError(f"{name} has the wrong type", subject=name)
    return found


def _tax_from(value: Any) -> TaxIncluded:
    if value is None:
        return TaxIncluded.NO
    if type(value) is not int or not 0 <= value < len(_TAXES):
        raise CborError("taxes are included 0, not 1, or not applicable 2", subject="tax_included")
    return _TAXES[value]


def _price_to_value(price: Price | None) -> list[Any] | None:
    if price is None:
        return None
    after_tax = None if price.after_tax is None else decimal_to_value(price.after_tax)
    return [decimal_to_value(price.before_tax), after_tax]


def _price_from(value: Any, name: str) -> Price | None:
    match value:
        case None:
            return None
        case [before, after]:
            return Price(decimal_from(before, name), None if after is None else decimal_from(after, name))
    raise CborError(f"{name} is [before tax, after tax or null]", subject=name)


def _element_to_value(element: TariffElement) -> Any:
    """Return a list of components; one with restrictions is a map."""
    components = [_component_to_value(component) for component in element.components]
    if element.restrictions is None:
        return components
    return {1: components, 2: _restrictions_to_value(element.restrictions)}


def _element_from(value: Any) -> TariffElement:
    match value:
        case [*components]:
            return TariffElement(tuple(map(_component_from, components)))
        case {1: [*components], 2: dict(restrictions)} if len(value) == 2:
            return TariffElement(tuple(map(_component_from, components)), _restrictions_from(restrictions))
    raise CborError("an element is a list of components, or {1: components, 2: restrictions}", subject="element")


def _component_to_value(component: PriceComponent) -> list[Any]:
    vat = None if component.vat_percent is None else decimal_to_value(component.vat_percent)
    return [component.type, decimal_to_value(component.price), vat, component.step_size]


def _component_from(value: Any) -> PriceComponent:
    match value:
        case [str(kind), amount, vat, int(step_size)]:
            percent = None if vat is None else decimal_from(vat, "vat")
            return PriceComponent(kind, decimal_from(amount, "price"), percent, step_size)
    raise CborError("a component is [type, price, vat, step size]", subject="component")


def _restrictions_to_value(r: Restrictions) -> dict[int, Any]:
    value: dict[int, Any] = {
        1: _minutes(r.start_time, "start_time"),
        2: _minutes(r.end_time, "end_time"),
        3: None if r.start_date is None else r.start_date.isoformat(),
        4: None if r.end_date is None else r.end_date.isoformat(),
        13: [WEEKDAYS.index(day) for day in r.days_of_week] or None,
        14: None if r.reservation is None else _RESERVATIONS.index(r.reservation),
    }
    for number, name in _DECIMALS.items():
        amount: Decimal | None = getattr(r, name)
        value[number] = None if amount is None else decimal_to_value(amount)
    for number, name in _DURATIONS.items():
        value[number] = getattr(r, name)
    return {number: told for number, told in value.items() if told is not None}


def _restrictions_from(value: Mapping[int, Any]) -> Restrictions:
    if not value.keys() <= _KNOWN:
        raise CborError("a restriction that is not known here may restrict more than it seems", subject="restrictions")
    days, reservation = _optional(value, 13, list, "day_of_week") or [], _optional(value, 14, int, "reservation")
    if any(type(day) is not int or not 0 <= day < len(WEEKDAYS) for day in days):
        raise CborError("days of the week count from 0, Monday", subject="day_of_week")
    if reservation is not None and not 0 <= reservation < len(_RESERVATIONS):
        raise CborError("a reservation is 0, or 1 once it has expired", subject="reservation")
    measured: dict[str, Any] = {
        name: None if value.get(number) is None else decimal_from(value[number], name)
        for number, name in _DECIMALS.items()
    }
    durations: dict[str, Any] = {name: _optional(value, number, int, name) for number, name in _DURATIONS.items()}
    return Restrictions(
        start_time=_time_from(value, 1, "start_time"),
        end_time=_time_from(value, 2, "end_time"),
        start_date=_date_from(value, 3, "start_date"),
        end_date=_date_from(value, 4, "end_date"),
        days_of_week=tuple(WEEKDAYS[day] for day in days),
        reservation=None if reservation is None else _RESERVATIONS[reservation],
        **measured,
        **durations,
    )


def _minutes(at: time | None, name: str) -> int | None:
    if at is None:
        return None
    if at.second or at.microsecond:
        raise InputError("times of day are whole minutes", code="tariff_not_priceable", subject=name)
    return at.hour * 60 + at.minute


def _time_from(value: Mapping[int, Any], number: int, name: str) -> time | None:
    minutes = _optional(value, number, int, name)
    if minutes is None:
        return None
    if not 0 <= minutes < 24 * 60:
        raise CborError("a time of day is minutes from 0 to 1439", subject=name)
    return time(minutes // 60, minutes % 60)


def _date_from(value: Mapping[int, Any], number: int, name: str) -> date | None:
    text = _optional(value, number, str, name)
    if text is None:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError as error:
        raise CborError("a date is YYYY-MM-DD", subject=name) from error
    if found.isoformat() != text:
        raise CborError("a date is YYYY-MM-DD", subject=name)
    return found
