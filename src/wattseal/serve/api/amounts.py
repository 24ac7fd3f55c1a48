"""Limits of charging in request bodies: one figure, in amperes of each phase or in watts."""

from decimal import Decimal
from typing import Annotated

from msgspec import Meta

from wattseal.base.errors import InputError
from wattseal.model.charging import RateUnit

Amount = Annotated[float, Meta(ge=0, le=10**9)]


def decimal_of(amount: float | None) -> Decimal | None:
    """Return a figure as it was written."""
    return None if amount is None else Decimal(str(amount))


def amount_of(limit_a: float | None, limit_w: float | None) -> tuple[Decimal, RateUnit]:
    """Return the one that is given and its unit; both or none is an `InputError`."""
    if limit_a is not None and limit_w is None:
        return Decimal(str(limit_a)), RateUnit.A
    if limit_w is not None and limit_a is None:
        return Decimal(str(limit_w)), RateUnit.W
    raise InputError("give limit_a or limit_w", subject="limit_a")
