"""How much energy an amount buys: the most that costs no more, whatever the tariff is made of."""

from datetime import UTC, datetime, time
from decimal import Decimal

import pytest

from wattseal.model.tariff import PriceComponent, Restrictions, Tariff, TariffElement
from wattseal.rules.affordable import affordable_wh, cost_of

START_MS = 1_800_000_000_000
"""08:00 UTC."""
MOST_WH = 200_000


def component(dimension: str, price: str) -> PriceComponent:
    return PriceComponent(dimension, Decimal(price), Decimal(20), 1)


def tariff(*elements: TariffElement) -> Tariff:
    return Tariff("DE", "CPO", "T1", "EUR", elements, datetime(2026, 1, 1, tzinfo=UTC))


ENERGY = tariff(TariffElement((component("ENERGY", "0.50"),)))
FLAT_TOO = tariff(TariffElement((component("ENERGY", "0.50"), component("FLAT", "2"))))
BY_DAY = tariff(
    TariffElement((component("ENERGY", "0.70"),), Restrictions(start_time=time(8), end_time=time(20))),
    TariffElement((component("ENERGY", "0.30"),)),
)
PER_HOUR = tariff(TariffElement((component("ENERGY", "0.50"), component("TIME", "6"))))


@pytest.mark.parametrize("priced", [ENERGY, FLAT_TOO, BY_DAY, PER_HOUR])
@pytest.mark.parametrize("amount", ["5", "12.34", "50"])
def test_it_is_the_most_that_costs_no_more(priced: Tariff, amount: str) -> None:
    found = affordable_wh(priced, Decimal(amount), MOST_WH, START_MS)
    assert 0 < found < MOST_WH
    within, beyond = (cost_of(priced, Decimal(wh), START_MS) for wh in (found, found + 1))
    assert within is not None
    assert beyond is not None
    assert within <= Decimal(amount) < beyond


def test_time_that_is_paid_for_buys_less_energy() -> None:
    less, more = (affordable_wh(priced, Decimal(20), MOST_WH, START_MS) for priced in (PER_HOUR, ENERGY))
    assert less < more


def test_it_is_never_more_than_a_session_may_have_and_nothing_for_nothing() -> None:
    assert affordable_wh(ENERGY, Decimal(10**6), MOST_WH, START_MS) == MOST_WH
    assert affordable_wh(FLAT_TOO, Decimal(1), MOST_WH, START_MS) == 0
    assert affordable_wh(ENERGY, Decimal(50), 0, START_MS) == 0


def test_what_is_not_priced_has_no_other_bound() -> None:
    nothing = tariff(TariffElement((component("ENERGY", "0.50"),), Restrictions(unknown=("moon",))))
    assert affordable_wh(nothing, Decimal(1), MOST_WH, START_MS) == MOST_WH
    assert affordable_wh(None, Decimal(1), MOST_WH, START_MS) == MOST_WH
