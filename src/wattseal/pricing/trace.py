"""What a price is made of: the lines of its trace, and the price."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from wattseal.model.billing import TaxShare
from wattseal.model.tariff import Price
from wattseal.pricing.money import COMPONENT_DIGITS, Amount, rounded, total

SESSION = "SESSION"
"""Dimension of the lines by which a minimum or maximum price corrects the sum of all others."""


@dataclass(frozen=True, slots=True)
class TraceLine:
    """One application of one component to a stretch of the session, or of a minimum or maximum price.

    `period` is the charging period in which it begins, counted from 0, None for the session as a whole; `local_start`
    is when it begins in the station's zone, `from_ms` and `until_ms` are the same stretch in Unix milliseconds, None
    where it has no length that is stated. `element` and `component` are places in the tariff, None where nothing prices
    the dimension. `quantity` is kWh of ENERGY, seconds of time or pieces of a FLAT; `unit_price` is per kWh, hour or
    piece; amounts are exact. `why` is one of: flat_once, only_energy_component, only_component, first_match, no_match,
    dimension_not_priced, step_size_once, min_price, max_price.
    """

    why: str
    dimension: str
    period: int | None
    local_start: datetime
    element: int | None
    component: int | None
    quantity: Decimal
    unit_price: Decimal
    vat_percent: Decimal | None
    before_tax: Amount
    after_tax: Amount
    from_ms: int | None = None
    until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Priced:
    """A session's price: `total` rounded to the currency's minor unit, the exact way there in `trace`.

    `taxes` are the parts of the total under each rate of tax, in minor units like the total and adding up to it.
    """

    total: Price
    currency: str
    trace: tuple[TraceLine, ...]
    taxes: tuple[TaxShare, ...] = ()

    def cost_of(self, *dimensions: str) -> Price:
        """Return the cost of dimensions together, rounded to four digits as CDR components are."""
        lines = [line for line in self.trace if line.dimension in dimensions]
        return Price(
            rounded(total(line.before_tax for line in lines), COMPONENT_DIGITS),
            rounded(total(line.after_tax for line in lines), COMPONENT_DIGITS),
        )


@dataclass(frozen=True, slots=True)
class Incomplete:
    """No price: `what` are sorted codes, with the place after a colon, of all that is not priced or not stated."""

    what: tuple[str, ...]
