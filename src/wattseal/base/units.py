"""Units: energy and money are exact decimals, never floats."""

from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Self

from wattseal.base.errors import InputError

MAX_ENERGY_WH = Decimal(10) ** 15
"""Anything above is not a reading of an electricity meter."""
MAX_SESSION_WH = Decimal(2_000_000)
"""No vehicle's battery holds more; energy told in a wrong unit or scale does."""
ROUNDING_WH = Decimal(1)
"""OCPP 1.6 tells registers in whole Wh: two figures of one register may differ by less than this."""

_WIDE = Context(prec=64)


def exponent_mantissa(value: Decimal) -> tuple[int, int]:
    """Return `(exponent, mantissa)` of a finite decimal exactly as written: `Decimal("1.50")` is `(-2, 150)`."""
    text = str(value)
    if text.isdecimal():  # what nearly every register is: whole, and not below zero
        return 0, int(text)
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise InputError(f"{value} is not a finite number", subject="decimal")
    if len(digits) <= _WIDE.prec and abs(exponent) < _WIDE.Emax:
        return exponent, int(_WIDE.scaleb(value, -exponent))
    mantissa = int("".join(map(str, digits)) or "0")
    return exponent, -mantissa if sign else mantissa


def from_exponent_mantissa(exponent: int, mantissa: int) -> Decimal:
    """Return mantissa x 10^exponent exactly; the inverse of `exponent_mantissa`. Exponents are within +-32."""
    if not -32 <= exponent <= 32 or abs(mantissa) >= 2**63:
        raise InputError("decimal out of range", subject="decimal")
    return _WIDE.scaleb(Decimal(mantissa), exponent)


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount in one currency (ISO 4217 code)."""

    amount: Decimal
    currency: str

    def __add__(self, other: Self) -> "Money":
        """Add amounts of one currency; mixing currencies is an `InputError`."""
        if self.currency != other.currency:
            raise InputError(f"cannot add {other.currency} to {self.currency}", subject="currency")
        return Money(self.amount + other.amount, self.currency)
