"""How what a charge brings in is shared: with the host of the site and with the eMSP, each by a percentage of the net.

A share is rounded down to whole minor units; what is left over stays with the CPO, so that no cent is shared twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Decimal

from wattseal.base.errors import InputError
from wattseal.pricing.money import EXACT
from wattseal.rules import chart

_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class RevenueShares:
    """Percentages of the net amount: `hosts` by the key of a site's host, `parties` by eMSP; both up to 100 in all."""

    hosts: Mapping[str, Decimal] = field(default_factory=dict)
    parties: Mapping[str, Decimal] = field(default_factory=dict)


NO_SHARES = RevenueShares()


def split(net: int, shares: RevenueShares, host: str | None, party: str | None) -> dict[str, int]:
    """Return what others get of `net` minor units, by ledger account; `InputError` where more is shared than there is.

    A negative net (a tariff that pays the driver) is nobody's to share.
    """
    percents = {
        chart.host_share(host or ""): shares.hosts.get(host or "", Decimal(0)),
        chart.party_share(party or ""): shares.parties.get(party or "", Decimal(0)),
    }
    if sum(percents.values()) > _HUNDRED or any(percent < 0 for percent in percents.values()):
        text = f"the shares of host {host!r} and party {party!r} add up to more than 100 percent; lower one of them"
        raise InputError(text, code="shares_exceed_revenue", subject="billing.shares")
    if net <= 0:
        return {}
    owed = {account: _part(net, percent) for account, percent in percents.items() if percent}
    return {account: amount for account, amount in owed.items() if amount}


def _part(net: int, percent: Decimal) -> int:
    return int(EXACT.scaleb(EXACT.multiply(Decimal(net), percent), -2).to_integral_value(ROUND_FLOOR))
