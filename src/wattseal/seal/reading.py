"""How numbered fields are written and read, whatever they mean: absent ones left out, each of exactly one type."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeVar

from wattseal.base.units import exponent_mantissa, from_exponent_mantissa
from wattseal.seal.dcbor import CborError

T = TypeVar("T")


def present(fields: Mapping[int, Any]) -> dict[int, Any]:
    """Return the fields that have a value."""
    return {number: value for number, value in fields.items() if value is not None}


def typed(fields: Mapping[int, Any], number: int, kind: type[T], name: str) -> T | None:
    """Return a field's value, None where it is absent; one of another type is a `CborError` (a bool is no int)."""
    value = fields.get(number)
    if value is not None and type(value) is not kind:
        raise CborError(f"{name} has the wrong type", subject=name)
    return value


def needed(fields: Mapping[int, Any], number: int, kind: type[T], name: str) -> T:
    """Return a field's value; one that is absent or of another type is a `CborError`."""
    value = typed(fields, number, kind, name)
    if value is None:
        raise CborError(f"{name} is missing", subject=name)
    return value


def needed_hash(fields: Mapping[int, Any], number: int, name: str) -> bytes:
    """Return a field's value, 32 bytes; `CborError` else."""
    value = needed(fields, number, bytes, name)
    if len(value) != 32:
        raise CborError(f"{name} is a hash, 32 bytes", subject=name)
    return value


def needed_number(fields: Mapping[int, Any], number: int, name: str, below: int = 2**63) -> int:
    """Return a field's value, 0 <= value < below; `CborError` else."""
    value = needed(fields, number, int, name)
    if not 0 <= value < below:
        raise CborError(f"{name} is a number of zero or more, below {below}", subject=name)
    return value


def decimal_to_value(value: Decimal) -> list[int]:
    """Return [exponent, mantissa], digits exactly as written."""
    return list(exponent_mantissa(value))


def decimal_from(value: Any, field_name: str) -> Decimal:
    """Read [exponent, mantissa]; `CborError` names the field."""
    if type(value) is list and len(value) == 2 and type(value[0]) is int and type(value[1]) is int:
        return from_exponent_mantissa(value[0], value[1])
    raise CborError(f"{field_name} is [exponent, mantissa]", subject=field_name)


def optional_to_value(value: Decimal | None) -> list[int] | None:
    """Return [exponent, mantissa], None for None."""
    return None if value is None else decimal_to_value(value)


def optional_from(fields: Mapping[int, Any], number: int, name: str) -> Decimal | None:
    """Read a field of [exponent, mantissa], None where it is absent; `CborError` names it."""
    value = fields.get(number)
    return None if value is None else decimal_from(value, name)
