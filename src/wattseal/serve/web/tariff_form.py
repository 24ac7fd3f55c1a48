"""A tariff out of a few fields, and the quantities that people type."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from wattseal.base.errors import InputError
from wattseal.flow.charges.bundling import utc_from_ms
from wattseal.model.tariff import PriceComponent, Tariff, TariffElement
from wattseal.serve.web.forms import text_of
from wattseal.serve.web.texts import marked as _

MAX_PRICE, MAX_PERCENT = Decimal(100_000), Decimal(100)
_COMPONENTS = (("energy", "ENERGY"), ("flat", "FLAT"), ("time", "TIME"), ("parking", "PARKING_TIME"))
_DIGITS = 6


def quantity(form: Mapping[str, str], field: str, most: Decimal) -> Decimal | None:
    """Return a number of a field, "1.5" or "1,5"; None where it is empty, `InputError` for what is none."""
    told = text_of(form, field, 32).replace(",", ".")
    if not told:
        return None
    try:
        found = Decimal(told)
    except InvalidOperation as error:
        raise _no_number(field) from error
    exponent = found.as_tuple().exponent
    if not found.is_finite() or not 0 <= found <= most or not isinstance(exponent, int) or -exponent > _DIGITS:
        raise _no_number(field)
    return found


def _no_number(field: str) -> InputError:
    return InputError(_("write a number like 0.45, not below zero"), code="bad_number", subject=field)


def local_ms(told: str, zone: ZoneInfo) -> int:
    """Return a time without a zone, as browsers send it (2026-11-29T18:00), of a zone in Unix milliseconds."""
    try:
        return int(datetime.fromisoformat(told).replace(tzinfo=zone).timestamp() * 1000)
    except (ValueError, OverflowError) as error:
        raise InputError(_("write a time like 2026-01-31T18:00"), code="bad_time", subject="at") from error


def simple_tariff(form: Mapping[str, str], party: str, now_ms: int) -> Tariff:
    """Return a tariff that is the same at all times: prices before tax, one rate of tax."""
    vat = quantity(form, "vat", MAX_PERCENT)
    parts = []
    for field, kind in _COMPONENTS:
        price = quantity(form, field, MAX_PRICE)
        if price is not None:
            parts.append(PriceComponent(kind, price, vat, 1))
    if not parts:
        raise InputError(_("give at least one price"), code="field_missing", subject="energy")
    grace = quantity(form, "idle_grace_min", Decimal(1440)) or Decimal(0)
    return Tariff(
        country_code=_upper(form, "country", 2),
        party_id=party[:3].upper(),
        id=text_of(form, "id", 36, least=1),
        currency=_upper(form, "currency", 3),
        elements=(TariffElement(tuple(parts)),),
        last_updated=utc_from_ms(now_ms - now_ms % 1000),
        idle_grace_s=int(grace * 60),
    )


def _upper(form: Mapping[str, str], field: str, length: int) -> str:
    told = text_of(form, field, length, least=length).upper()
    if not (told.isascii() and told.isalpha()):
        raise InputError(_("write the code in letters, like EUR or DE"), code="bad_code", subject=field)
    return told
