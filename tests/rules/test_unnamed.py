"""Which transaction a 1.6 message without a transaction id is of: the one that alone fits, or none."""

from decimal import Decimal

import pytest

from wattseal.rules.unnamed import Open, Unnamed, find_named

ONE = Open("7", 1, 1000, Decimal(100), Decimal(500), "card a")
TWO = Open("8", 2, 2000, Decimal(90_000), Decimal(95_000), "card b")
LIKE_ONE = Open("9", 2, 1500, Decimal(150), Decimal(400), "card b")


@pytest.mark.parametrize(
    ("opened", "unnamed", "found"),
    [
        ([], Unnamed(5000, register_wh=Decimal(600)), None),
        ([ONE], Unnamed(5000, register_wh=Decimal(600)), ONE),
        ([ONE, TWO], Unnamed(5000, register_wh=Decimal(600)), ONE),
        ([ONE, TWO], Unnamed(5000, register_wh=Decimal(96_000)), TWO),
        ([ONE, LIKE_ONE], Unnamed(5000, register_wh=Decimal(600)), None),
        ([ONE, LIKE_ONE], Unnamed(5000, register_wh=Decimal(600), token="card b"), LIKE_ONE),
        ([ONE, LIKE_ONE], Unnamed(5000, register_wh=Decimal(600), token="card c"), None),
        ([ONE, LIKE_ONE], Unnamed(5000, evse_id=2, register_wh=Decimal(600)), LIKE_ONE),
        ([ONE, LIKE_ONE], Unnamed(5000, register_wh=Decimal(450)), LIKE_ONE),
        ([ONE, LIKE_ONE], Unnamed(5000, register_wh=Decimal(600), begin_wh=Decimal("100.4")), ONE),
        ([ONE], Unnamed(5000, register_wh=Decimal(600), token="card of the family"), ONE),
        ([ONE], Unnamed(999, register_wh=Decimal(600)), None),
        ([ONE], Unnamed(5000, register_wh=Decimal(499)), None),
        ([ONE], Unnamed(5000, register_wh=Decimal(5_000_000)), None),
        ([ONE], Unnamed(5000, register_wh=Decimal(600), begin_wh=Decimal(200)), None),
        ([ONE], Unnamed(5000, register_wh=Decimal(90_000)), None),
        ([ONE], Unnamed(3_600_000, register_wh=Decimal(90_000)), ONE),
        ([ONE], Unnamed(5000), None),
        ([Open("7", 1, None, None, None, None)], Unnamed(5000, register_wh=Decimal(600)), None),
    ],
)
def test_the_one_that_alone_fits_is_found(opened: list[Open], unnamed: Unnamed, found: Open | None) -> None:
    assert find_named(opened, unnamed) is found
