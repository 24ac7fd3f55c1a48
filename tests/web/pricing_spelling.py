"""Tariffs, periods and prices as lines for the peer, digits as they are written."""

from dataclasses import asdict
from datetime import UTC, date, datetime, time, tzinfo
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from wattseal.base.errors import InputError
from wattseal.base.units import exponent_mantissa
from wattseal.bundle.cdr import trace_to_value
from wattseal.bundle.tariff import tariff_to_value
from wattseal.model.cdr import ChargingPeriod
from wattseal.model.tariff import Price, Restrictions, Tariff
from wattseal.pricing import Incomplete, Priced
from wattseal.pricing.clock import milliseconds
from wattseal.pricing.periods import Point
from wattseal.pricing.terms import RESERVATION, RESERVATION_EXPIRES, WEEKDAYS

SAFE = 2**53 - 1


class CannotSay(Exception):  # noqa: N818 - no error: what is asked has no spelling in a record
    """A record has no spelling for it: times of day with seconds, numbers that are none, unknown restrictions."""


def question(by: Tariff, zone: tzinfo) -> dict[str, Any]:
    """Return a tariff as the peer reads it, beside the value that its record would hold."""
    try:
        value = spelt(tariff_to_value(by))
    except InputError:
        value = None
    return {"tariff": tariff(by), "value": value, "zone": "UTC" if zone is UTC else zone_name(zone)}


def zone_name(zone: tzinfo) -> str:
    if not isinstance(zone, ZoneInfo):
        raise CannotSay
    return zone.key


def tariff(by: Tariff) -> dict[str, Any]:
    return {
        "countryCode": by.country_code,
        "partyId": by.party_id,
        "id": by.id,
        "currency": by.currency,
        "elements": [
            [
                [[c.type, digits(c.price), digits(c.vat_percent), str(c.step_size)] for c in element.components],
                None if element.restrictions is None else restrictions(element.restrictions),
            ]
            for element in by.elements
        ],
        "taxIncluded": by.tax_included.value,
        "minPrice": money(by.min_price),
        "maxPrice": money(by.max_price),
        "startMs": None if by.start_at is None else ms(by.start_at),
        "endMs": None if by.end_at is None else ms(by.end_at),
        "timeZone": by.time_zone,
        "idleGraceS": str(by.idle_grace_s),
    }


def restrictions(r: Restrictions) -> dict[str, Any]:
    known = {None, RESERVATION, RESERVATION_EXPIRES}
    if r.unknown or r.reservation not in known or not {*r.days_of_week} <= {*WEEKDAYS}:
        raise CannotSay
    found: dict[str, Any] = {}
    for name, value in asdict(r).items():
        spelling = "".join(part.capitalize() for part in name.split("_"))
        key = spelling[0].lower() + spelling[1:]
        match value:
            case Decimal():
                found[key] = digits(value)
            case time():
                found[key] = minutes(value)
            case date():
                found[key] = value.toordinal() - date(1970, 1, 1).toordinal()
            case int():
                found[key] = str(value)
            case _:
                found[key] = value
    del found["unknown"]
    return found | {"daysOfWeek": [WEEKDAYS.index(day) for day in r.days_of_week]}


def minutes(at: time) -> int:
    if at.second or at.microsecond:
        raise CannotSay
    return at.hour * 60 + at.minute


def money(price: Price | None) -> list[str | None] | None:
    return None if price is None else [digits(price.before_tax), digits(price.after_tax)]


def periods(stretches: tuple[ChargingPeriod, ...]) -> list[Any]:
    return [[ms(p.start_at), [[d.type, digits(d.volume)] for d in p.dimensions], p.tariff_id] for p in stretches]


def points(read: tuple[Point, ...]) -> list[Any]:
    return [[point.ms, digits(point.register_wh)] for point in read]


def answer(found: Priced | Incomplete | tuple[ChargingPeriod, ...]) -> Any:
    """Return what Python says, as the peer says it."""
    match found:
        case Incomplete():
            return list(found.what)
        case Priced():
            assert found.total.after_tax is not None
            return {
                "total": [digits(found.total.before_tax), digits(found.total.after_tax), found.currency],
                "trace": plain(trace_to_value(found.trace)),
                "taxes": [[digits(share.percent), digits(share.net), digits(share.tax)] for share in found.taxes],
            }
    return {"periods": periods(found)}


def ms(at: datetime) -> int:
    if at.utcoffset() is None or at.microsecond % 1000:
        raise CannotSay
    return milliseconds(at)


def digits(value: Decimal | Fraction | None) -> str | None:
    """Return "mantissa e exponent" of a decimal, exactly."""
    if value is None:
        return None
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    if not value.is_finite():
        raise CannotSay
    exponent, mantissa = exponent_mantissa(value)
    return f"{mantissa}e{exponent}"


def spelt(value: Any) -> Any:
    """Return a CBOR value as JSON."""
    match value:
        case dict():
            return {"map": [[key, spelt(one)] for key, one in value.items()]}
        case list():
            return [spelt(one) for one in value]
        case bool():
            return value
        case int():
            return {"int": str(value)}
    return value


def plain(value: Any) -> Any:
    if isinstance(value, list):
        return [plain(one) for one in value]
    return {"int": str(value)} if isinstance(value, int) and abs(value) > SAFE else value
