"""How much energy an amount of money buys under a tariff, with tax."""

from decimal import Decimal

from wattseal.bundle.cdr import bounds, price_charge
from wattseal.model.tariff import Tariff
from wattseal.pricing import Incomplete, Priced
from wattseal.pricing.periods import Point, needs_readings

ASSUMED_W = 11_000
"""What a car is assumed to draw where the price depends on how long that takes: three phases of 16 A."""
_STEP_MS = 900_000
_MAX_STEPS = 100
_HOUR_MS = 3_600_000


def steady(tariff: Tariff, energy_wh: Decimal, start_ms: int, end_ms: int) -> tuple[Point, ...]:
    """Return the points of a charge drawn steadily from start to end, read every quarter of an hour.

    Of a charge of more than a day the readings are further apart; none are needed where the price depends on none.
    """
    length_ms = end_ms - start_ms
    if length_ms <= 0 or not needs_readings(tariff):
        return bounds(start_ms, max(start_ms, end_ms), energy_wh)
    step_ms = max(_STEP_MS, length_ms // _MAX_STEPS + 1)
    drawn = (Point(start_ms + ms, energy_wh * ms // length_ms) for ms in range(0, length_ms, step_ms))
    return (*drawn, Point(end_ms, energy_wh))


def cost_of(tariff: Tariff, energy_wh: Decimal, start_ms: int, now_ms: int | None = None) -> Decimal | None:
    """Return what a charge of so much energy comes to with tax, as far as that is known before its end.

    It is taken to be drawn steadily, until `now_ms`, or, of one to come, as fast as a car is assumed to. None where the
    tariff cannot be priced or the register fell.
    """
    end_ms = start_ms + int(energy_wh * _HOUR_MS) // ASSUMED_W if now_ms is None else now_ms
    priced = price_charge(tariff, steady(tariff, energy_wh, start_ms, end_ms))
    return None if isinstance(priced, Incomplete) else with_tax(priced)


def with_tax(priced: Priced) -> Decimal:
    """Return the total with tax."""
    return priced.total.before_tax if priced.total.after_tax is None else priced.total.after_tax


def affordable_wh(tariff: Tariff | None, amount: Decimal, most_wh: int, start_ms: int) -> int:
    """Return the most whole Wh, `most_wh` at most, that cost no more than `amount`; all of it where nothing is priced.

    Time is counted as it takes to draw that steadily; what a car takes longer, or stands, comes on top while the charge
    runs. Costs never fall with energy, so that the least and the greatest amount close in on the one sought.
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
