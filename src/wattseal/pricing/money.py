"""Rounding of money (docs/adr/0009-rounding.md): exact inside, half up, once, at the end."""

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal, Inexact, InvalidOperation
from fractions import Fraction
from math import floor

EXACT = Context(prec=96, traps=[Inexact, InvalidOperation])
"""Arithmetic that would lose a digit raises instead."""
Amount = Decimal | Fraction
"""An exact amount: a fraction where hours or a tax that is included had to be divided by, else a decimal."""
COMPONENT_DIGITS = 4
"""Digits after the point of a component's cost in a CDR (OCPI, type number)."""
ZERO = Decimal(0)
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


def rounded(amount: Amount, digits: int) -> Decimal:
    """Return `amount` with `digits` after the point, a half away from zero."""
    if isinstance(amount, Decimal):
        return _HALF_UP.quantize(amount, Decimal(1).scaleb(-digits))
    scaled = abs(amount) * 10**digits
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return minor_to_decimal(-whole if amount < 0 else whole, digits)


def minor_to_decimal(minor: int, digits: int) -> Decimal:
    """Return so many minor units as an amount with `digits` after the point."""
    return EXACT.scaleb(Decimal(minor), -digits)


def added(first: Amount, second: Amount) -> Amount:
    """Return the exact sum."""
    if isinstance(first, Decimal) and isinstance(second, Decimal):
        return EXACT.add(first, second)
    return Fraction(first) + Fraction(second)


def subtracted(first: Amount, second: Amount) -> Amount:
    """Return the exact difference."""
    if isinstance(first, Decimal) and isinstance(second, Decimal):
        return EXACT.subtract(first, second)
    return Fraction(first) - Fraction(second)


def total(amounts: Iterable[Amount]) -> Amount:
    """Return the exact sum of all."""
    decimals, fractions, mixed = ZERO, Fraction(0), False
    for amount in amounts:
        if isinstance(amount, Decimal):
            decimals = EXACT.add(decimals, amount)
        else:
            fractions += amount
            mixed = True
    return Fraction(decimals) + fractions if mixed else decimals


def allotted(whole: int, shares: Sequence[Amount], able: Sequence[bool]) -> list[int]:
    """Cut `whole` minor units into one piece a share: each its share rounded down, what is left by the remainders.

    The units that are left go one by one to the shares that lost most by it, the first of equals first, and only to
    those that are `able` to take any; to all where none is.
    """
    pieces = [floor(share) for share in shares]
    lost = [subtracted(share, Decimal(piece)) for share, piece in zip(shares, pieces, strict=True)]
    takers = [n for n, can in enumerate(able) if can] or list(range(len(shares)))
    order = sorted(takers, key=lost.__getitem__, reverse=True)
    left = whole - sum(pieces)
    for turn in range(abs(left)):
        pieces[order[turn % len(order)]] += 1 if left > 0 else -1
    return pieces
