"""Sharing what a charge brings in: never more than there is, never a cent made or lost."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattseal.base.errors import InputError
from wattseal.rules.revenue_split import NO_SHARES, RevenueShares, split

PERCENT = st.decimals(0, 50, places=3)


def test_host_and_party_get_their_percentages_rounded_down() -> None:
    shares = RevenueShares({"harbour": Decimal("12.5")}, {"MSP": Decimal(3)})
    assert split(999, shares, "harbour", "MSP") == {"payable/host/harbour": 124, "payable/party/MSP": 29}
    assert split(999, shares, "elsewhere", None) == {}
    assert split(999, NO_SHARES, "harbour", "MSP") == {}


def test_nothing_is_shared_of_nothing_or_less() -> None:
    shares = RevenueShares({"harbour": Decimal(50)})
    assert split(0, shares, "harbour", None) == {}
    assert split(-500, shares, "harbour", None) == {}
    assert split(1, shares, "harbour", None) == {}


def test_more_than_all_is_refused_and_says_whose() -> None:
    shares = RevenueShares({"harbour": Decimal(70)}, {"MSP": Decimal(31)})
    with pytest.raises(InputError, match="harbour") as told:
        split(100, shares, "harbour", "MSP")
    assert told.value.code == "shares_exceed_revenue"


@given(st.integers(0, 10**9), PERCENT, PERCENT)
def test_shares_never_exceed_the_net_and_miss_less_than_a_cent_each(net: int, host: Decimal, party: Decimal) -> None:
    owed = split(net, RevenueShares({"h": host}, {"p": party}), "h", "p")
    assert sum(owed.values()) <= net
    for account, percent in (("payable/host/h", host), ("payable/party/p", party)):
        exact = net * percent / 100
        assert exact - 1 < owed.get(account, 0) <= exact
