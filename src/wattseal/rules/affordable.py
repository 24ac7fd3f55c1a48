"""How much energy an amount of money buys under a tariff, with tax."""

from decimal import Decimal

from wattseal.bundle.cdr import price_charge
from wattseal.model.tariff import Tariff
from wattseal.pricing import Incomplete, Priced


def cost_of(tariff: Tariff, energy_wh: Decimal, start_ms: int) -> Decimal | None:
    """Return what that comes to with tax, None where the tariff cannot be priced or the register fell."""
    priced = price_charge(tariff, energy_wh, start_ms)
    return None if isinstance(priced, Incomplete) else with_tax(priced)


def with_tax(priced: Priced) -> Decimal:
    """Return the total with tax."""
    return priced.total.before_tax if priced.total.after_tax is None else priced.total.after_tax


def affordable_wh(tariff: Tariff | None, amount: Decimal, most_wh: int, start_ms: int) -> int:
    """Return the most whole Wh, `most_wh` at most, that cost no more than `amount`; all of it where nothing is priced.

    Energy alone is counted: what a tariff asks for time comes on top while the charge runs. Costs never fall with
    energy, so that the least and the greatest amount close in on the one sought, in straight lines where prices are.
    """
    if tariff is None or cost_of(tariff, Decimal(0), start_ms) is None:
        return most_wh
    low, high = 0, most_wh
    while low < high:
        middle = (low + high + 1) // 2
        cost = cost_of(tariff, Decimal(middle), start_ms)
        if cost is not None and cost <= amount:
            low = middle
        else:
            high = middle - 1
    return low
