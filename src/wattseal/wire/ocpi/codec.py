"""JSON in and out for all OCPI versions: numbers exact, times in UTC, sizes bounded."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeVar

import msgspec

from wattseal.base.errors import InputError, LimitError

MAX_BYTES = 1024 * 1024
MAX_DIGITS = 28
MAX_EXPONENT = 15
T = TypeVar("T")
_ENCODER = msgspec.json.Encoder(decimal_format="number")


class OcpiStruct(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An OCPI object: optional fields are left out when they are not set, unknown ones ignored (OCPI, JSON/HTTP)."""


def decode(raw: bytes, kind: type[T]) -> T:
    """Decode JSON as `kind`; what does not fit raises `InputError` naming the field and repeating no content."""
    if len(raw) > MAX_BYTES:
        raise LimitError(f"an OCPI message is at most {MAX_BYTES} bytes", subject="ocpi")
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        path = str(error).rpartition("`")[0].rpartition("`")[2] if isinstance(error, msgspec.ValidationError) else ""
        text = f"not the OCPI object expected here{f' (at {path})' if path else ''}"
        raise InputError(text, code="bad_ocpi", subject=path or "ocpi") from error


def encode(value: OcpiStruct) -> bytes:
    """Encode as JSON with decimals as plain numbers."""
    return _ENCODER.encode(value)


def number(value: Decimal, field: str) -> Decimal:
    """Return a number received, or raise `InputError` where it is none that exact arithmetic should meet."""
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) > MAX_EXPONENT or len(value.as_tuple().digits) > MAX_DIGITS:
        raise InputError(f"{field} is not a usable number", code="bad_number", subject=field)
    return value


def plain(value: Decimal) -> Decimal:
    """Return the same number in a form that JSON writes without an exponent."""
    exponent = value.as_tuple().exponent
    return value.quantize(Decimal(1)) if isinstance(exponent, int) and exponent > 0 else value


def utc(value: datetime) -> datetime:
    """Return a time received in UTC; without a designator it is UTC already (OCPI, DateTime)."""
    if value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise InputError("a time whose zone leads out of the calendar", code="bad_ocpi", subject="time") from error


def to_wire_time(value: datetime) -> datetime:
    """Return an aware time as OCPI wants it: UTC, at most milliseconds."""
    return value.astimezone(UTC).replace(microsecond=value.microsecond // 1000 * 1000)
