"""Rounding of money (docs/adr/0009-rounding.md): exact inside, half up, once, at the end."""

from decimal import ROUND_HALF_UP, Context, Decimal, Inexact, InvalidOperation

EXACT = Context(prec=96, traps=[Inexact, InvalidOperation])
"""Arithmetic that would lose a digit raises instead."""
COMPONENT_DIGITS = 4
"""Digits after the point of a component's cost in a CDR (OCPI, type number)."""
_DIGITS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND"), 0),
    **dict.fromkeys(("VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
_HALF_UP = Context(prec=128, rounding=ROUND_HALF_UP, traps=[InvalidOperation])


def minor_unit_digits(currency: str) -> int:
    """Return the digits of a currency's minor unit after the point (ISO 4217): 2 unless the list says otherwise."""
    return _DIGITS.get(currency, 2)


def rounded(amount: Decimal, digits: int) -> Decimal:
    """Return `amount` with `digits` after the point, a half away from zero."""
    return _HALF_UP.quantize(amount, Decimal(1).scaleb(-digits))
