"""What an operator has chosen about money: how long evidence is waited for, and who has a share."""

from dataclasses import dataclass

from wattseal.model.invoice import LegalEntity
from wattseal.rules.hold_policy import DEFAULT_HOLDS, HoldPolicy
from wattseal.rules.revenue_split import NO_SHARES, RevenueShares


@dataclass(frozen=True, slots=True)
class BillingPolicy:
    """`wait_ms` is for how long a bill waits for witnesses that would raise the grade it prints.

    `entities` are those who sell.
    """

    wait_ms: int = 300_000
    shares: RevenueShares = NO_SHARES
    holds: HoldPolicy = DEFAULT_HOLDS
    entities: tuple[LegalEntity, ...] = ()


DEFAULT_BILLING = BillingPolicy()
