"""Watts and amperes: one supply voltage, a number of phases, and limits that never grow by converting them."""

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from wattseal.model.charging import Period, RateUnit

TENTH = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Electrics:
    """How a site is connected: volts between a phase and neutral (K01.FR.50), phases where a schedule names none."""

    voltage_v: Decimal = Decimal(230)
    phases: int = 3


def convert(amount: Decimal, unit: RateUnit, wanted: RateUnit, electrics: Electrics, phases: int | None) -> Decimal:
    """Return a limit in another unit; what is no multiple of 0.1 then is rounded towards 0."""
    if unit is wanted:
        return amount
    per_ampere = electrics.voltage_v * (phases or electrics.phases)
    if wanted is RateUnit.W:
        return amount * per_ampere
    return (amount / per_ampere).quantize(TENTH, ROUND_DOWN)


def limit_of(period: Period, unit: RateUnit) -> Decimal | None:
    """Return a period's limit as one figure: with figures of each phase (2.1) the lowest counts for all of them."""
    if period.limit is None:
        return None
    single = [amount for amount in (period.limit, period.limit_l2, period.limit_l3) if amount is not None]
    return min(single) * (len(single) if unit is RateUnit.W else 1)
