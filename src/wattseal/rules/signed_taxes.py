"""The taxes on a total that an eMSP has signed for a session whose registers this CPO cannot read."""

from collections.abc import Sequence
from decimal import Decimal

from wattseal.model.billing import TaxShare
from wattseal.model.tariff import Price, Tariff
from wattseal.pricing.money import EXACT, minor_unit_digits
from wattseal.pricing.taxes import rate_of


def taxes_signed(tariff: Tariff, total: Price, told: Sequence[TaxShare]) -> tuple[TaxShare, ...] | None:
    """Return the parts of a total under each rate; None where they are not those of the tariff, or not known.

    Each tax must be that of its net, to one minor unit: total and total with tax are rounded apart. A minimum or
    maximum price may be stated with and without tax, and then says itself what the tax is. Where the settlement states
    no parts, one rate for everything still tells them.
    """
    rates = {rate_of(component, tariff.tax_included) for element in tariff.elements for component in element.components}
    tax = (total.before_tax if total.after_tax is None else total.after_tax) - total.before_tax
    if not told and len(rates) > 1:
        return None
    parts = tuple(told) or (TaxShare(next(iter(rates), None), total.before_tax, tax),)
    if any(part.percent not in rates for part in parts):
        return None
    limited = tariff.min_price is not None or tariff.max_price is not None
    unit = Decimal(1).scaleb(-minor_unit_digits(tariff.currency))
    if not limited and any(abs(part.tax - _tax_of(part)) > unit for part in parts):
        return None
    return parts


def _tax_of(part: TaxShare) -> Decimal:
    return EXACT.scaleb(EXACT.multiply(part.net, part.percent or Decimal(0)), -2)
