"""How much is held for a charge: what is wanted, or what there is, in whole minor units."""

from decimal import ROUND_FLOOR, Decimal

from wattseal.pricing.money import EXACT, minor_to_decimal, minor_unit_digits


def in_units(minor: int, currency: str) -> Decimal:
    """Return minor units as an amount in the units of the currency."""
    return minor_to_decimal(minor, minor_unit_digits(currency))


def whole_minor(amount: Decimal, currency: str) -> int:
    """Return the whole minor units in an amount, rounded down: an operator's figure need not fit every currency."""
    return int(EXACT.scaleb(amount, minor_unit_digits(currency)).to_integral_value(ROUND_FLOOR))


def room(balance: int, limit: int | None) -> int | None:
    """Return what may still be set aside of an account; None where there is no limit."""
    return None if limit is None else balance + limit


def to_hold(wanted: int, there_is: int | None, least: int) -> int | None:
    """Return what is held of what `there_is`; None where that is not even the least. Nothing wanted is nothing held."""
    amount = wanted if there_is is None else min(wanted, there_is)
    if wanted <= 0:
        return 0
    return None if amount <= 0 or amount < least else amount
