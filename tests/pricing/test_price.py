"""The price of a session: OCPI's own examples, exactness, and everything that is not priced."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.examples import examples

from wattseal.model.cdr import ChargingPeriod, Dimension
from wattseal.model.tariff import Price, PriceComponent, Restrictions, Tariff, TariffElement, TaxIncluded
from wattseal.pricing import Incomplete, Priced, price, rounded

ZONE = ZoneInfo("Europe/Berlin")
START = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)
D = Decimal
FLAT = PriceComponent("FLAT", D("0.50"), D(20), 1)
ENERGY = PriceComponent("ENERGY", D("0.25"), D(10), 1)
BOTH = Tariff("DE", "ALL", "17", "EUR", (TariffElement((FLAT, ENERGY)),), START)


def tariff(*components: PriceComponent) -> Tariff:
    return replace(BOTH, elements=(TariffElement(components),))


def periods(*kwh: str) -> list[ChargingPeriod]:
    return [
        ChargingPeriod(START + timedelta(minutes=15 * n), (Dimension("ENERGY", D(volume)),), "17")
        for n, volume in enumerate(kwh)
    ]


def total(what: Priced | Incomplete) -> tuple[str, str]:
    assert isinstance(what, Priced), what
    return str(what.total.before_tax), str(what.total.after_tax)


@pytest.mark.parametrize(
    ("components", "kwh", "expected"),
    [
        ((ENERGY,), "20", ("5.00", "5.50")),
        ((FLAT, ENERGY), "20", ("5.50", "6.10")),
        ((FLAT, replace(ENERGY, step_size=100)), "20.45", ("5.63", "6.24")),
        ((PriceComponent("FLAT", D("0.00"), None, 0),), "20", ("0.00", "0.00")),
        ((FLAT, ENERGY), "0", ("0.50", "0.60")),
    ],
)
def test_examples_of_the_ocpi_text(components: tuple[PriceComponent, ...], kwh: str, expected: tuple[str, str]) -> None:
    assert total(price(tariff(*components), periods(kwh), ZONE)) == expected


@pytest.mark.parametrize(
    ("step_size", "wh", "exact"),
    [(1, "115.2", "0.029"), (25, "101", "0.03125"), (25, "125", "0.03125"), (500, "1", "0.125"), (500, "500", "0.125")],
)
def test_step_size_rounds_energy_up_and_not_beyond_an_exact_step(step_size: int, wh: str, exact: str) -> None:
    priced = price(tariff(replace(ENERGY, step_size=step_size)), periods(str(D(wh) / 1000)), ZONE)
    assert isinstance(priced, Priced)
    assert sum(line.before_tax for line in priced.trace) == D(exact)


def test_step_size_counts_once_a_session() -> None:
    priced = price(tariff(replace(ENERGY, step_size=500)), periods("4.3", "1.1", "0"), ZONE)
    assert isinstance(priced, Priced)
    assert [(line.why, line.period, str(line.quantity)) for line in priced.trace] == [
        ("only_energy_component", 0, "5.4"),
        ("step_size_once", 0, "0.100"),
    ]
    assert total(priced) == ("1.38", "1.51")


def test_trace_says_which_element_applied_to_which_period_in_local_time() -> None:
    two = replace(BOTH, elements=(TariffElement((FLAT,)), TariffElement((ENERGY,))))
    parked = ChargingPeriod(START + timedelta(hours=1), (Dimension("PARKING_TIME", D("0.5")),), "17")
    priced = price(two, [*periods("2"), parked], ZONE)
    assert isinstance(priced, Priced)
    said = [(line.why, line.period, line.element, line.component) for line in priced.trace]
    assert said == [
        ("flat_once", None, 0, 0),
        ("only_energy_component", 0, 1, 0),
        ("dimension_not_priced", 1, None, None),
    ]
    assert priced.trace[0].local_start.isoformat() == "2026-03-01T23:30:00+01:00"
    assert priced.cost_of("FLAT") == Price(D("0.5000"), D("0.6000"))
    assert priced.cost_of("ENERGY") == Price(D("0.5000"), D("0.5500"))


@pytest.mark.parametrize(("currency", "expected"), [("EUR", "1.23"), ("JPY", "1"), ("KWD", "1.235"), ("CLF", "1.2345")])
def test_total_is_rounded_to_the_currency_s_minor_unit(currency: str, expected: str) -> None:
    untaxed = replace(tariff(PriceComponent("ENERGY", D("0.2469"), None, 1)), currency=currency)
    assert total(price(untaxed, periods("5.000"), ZONE)) == (expected, expected)


@pytest.mark.parametrize(("exact", "half_up"), [("1.235", "1.24"), ("-1.235", "-1.24"), ("1.2349", "1.23")])
def test_half_a_cent_goes_away_from_zero(exact: str, half_up: str) -> None:
    assert str(rounded(D(exact), 2)) == half_up


@given(st.lists(st.decimals(0, 1000, places=4), min_size=1, max_size=5), st.decimals(0, 10, places=4))
@settings(max_examples=examples(100))
def test_splitting_a_session_into_periods_never_changes_its_price(kwh: list[Decimal], unit_price: Decimal) -> None:
    one = tariff(FLAT, replace(ENERGY, price=unit_price, step_size=7))
    split = price(one, periods(*map(str, kwh)), ZONE)
    whole = price(one, periods(str(sum(kwh))), ZONE)
    assert total(split) == total(whole)


TIME = PriceComponent("TIME", D(2), None, 60)
LIMITED = replace(BOTH, min_price=Price(D(1)), max_price=Price(D(9), D(10)))


def restricted(*components: PriceComponent, **restrictions: Any) -> Tariff:
    return replace(BOTH, elements=(TariffElement(components or (ENERGY,), Restrictions(**restrictions)),))


def hour(*dimensions: tuple[str, str]) -> list[ChargingPeriod]:
    return [ChargingPeriod(START, tuple(Dimension(name, D(volume)) for name, volume in dimensions), "17")]


NAIVE = [replace(periods("1")[0], start_at=datetime(2026, 3, 1, 12))]  # noqa: DTZ001 - the point of the case


@pytest.mark.parametrize(
    ("given_tariff", "given_periods", "what"),
    [
        (restricted(unknown=("min_soc",)), periods("1"), "restriction_unknown:elements[0].min_soc"),
        (restricted(days_of_week=("CARNIVAL",)), periods("1"), "restriction_unknown:elements[0].day_of_week"),
        (restricted(TIME, reservation="LATER"), periods("1"), "restriction_unknown:elements[0].reservation"),
        (restricted(start_time=time(8), end_time=time(8)), periods("1"), "restriction:elements[0].end_time"),
        (restricted(min_kwh=D("NaN")), periods("1"), "restriction:elements[0].min_kwh"),
        (restricted(min_duration_s=-1), periods("1"), "restriction:elements[0].min_duration_s"),
        (
            restricted(TIME, reservation="RESERVATION", max_duration_s=900),
            periods("1"),
            "restriction:elements[0].max_duration_s",
        ),
        (restricted(reservation="RESERVATION"), periods("1"), "dimension:elements[0].price_components[0]"),
        (restricted(min_power_kw=D(5)), periods("1"), "power_unknown:elements[0]"),
        (restricted(max_current_a=D(32)), periods("1"), "current_unknown:elements[0]"),
        (tariff(TIME), periods("1"), "time_missing"),
        (tariff(TIME), hour(("TIME", "-1")), "time_negative:charging_periods[0]"),
        (tariff(TIME), hour(("TIME", "1"), ("TIME", "1")), "time_twice:charging_periods[0]"),
        (tariff(TIME), hour(("TIME", "1"), ("RESERVATION_TIME", "1")), "reservation_mixed:charging_periods[0]"),
        (tariff(TIME), hour(("TIME", "9601")), "time_span"),
        (
            restricted(TIME, end_time=time(0, 15)),
            hour(("TIME", "0.5"), ("PARKING_TIME", "0.5")),
            "time_ambiguous:charging_periods[0]",
        ),
        (tariff(PriceComponent("NEWER", D(2), None, 60)), periods("1"), "dimension:elements[0].price_components[0]"),
        (tariff(ENERGY, ENERGY), periods("1"), "second_component:elements[0].price_components[1]"),
        (tariff(replace(ENERGY, step_size=0)), periods("1"), "step_size:elements[0].price_components[0]"),
        (tariff(replace(ENERGY, vat_percent=D(-1))), periods("1"), "vat:elements[0].price_components[0]"),
        (tariff(replace(ENERGY, price=D("NaN"))), periods("1"), "price:elements[0].price_components[0]"),
        (replace(BOTH, elements=()), periods("1"), "elements_missing"),
        (replace(LIMITED, max_price=Price(D("0.5"))), periods("1"), "limits_contradict:min_price"),
        (replace(LIMITED, min_price=Price(D(1), D("0.9"))), periods("1"), "limits_contradict:min_price"),
        (replace(LIMITED, min_price=Price(D(1), D("10.01"))), periods("1"), "limits_contradict:min_price"),
        (replace(LIMITED, max_price=Price(D("NaN"))), periods("1"), "max_price"),
        (
            replace(tariff(ENERGY), tax_included=TaxIncluded.NOT_APPLICABLE),
            periods("1"),
            "vat:elements[0].price_components[0]",
        ),
        (replace(BOTH, idle_grace_s=-1), periods("1"), "idle_grace_s"),
        (replace(BOTH, currency="eur"), periods("1"), "currency"),
        (replace(BOTH, start_at=START + timedelta(seconds=1)), periods("1"), "tariff_not_yet_valid"),
        (replace(BOTH, end_at=START), periods("1"), "tariff_no_longer_valid"),
        (BOTH, [], "periods_missing"),
        (BOTH, periods("1", "2")[::-1], "periods_out_of_order"),
        (BOTH, periods("-1"), "energy_negative:charging_periods[0]"),
        (BOTH, [ChargingPeriod(START, (), "17")], "energy_missing"),
        (BOTH, [replace(periods("1")[0], tariff_id="18")], "other_tariff:charging_periods[0]"),
        (BOTH, [replace(periods("1")[0], tariff_id=None)], "tariff_id_missing:charging_periods[0]"),
        (
            BOTH,
            [replace(periods("1")[0], dimensions=(Dimension("ENERGY", D(1)),) * 2)],
            "energy_twice:charging_periods[0]",
        ),
        (BOTH, NAIVE, "time_without_zone"),
        (tariff(replace(ENERGY, price=D("1." + "3" * 60))), periods("1." + "7" * 60), "precision"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_priced_is_said_and_never_guessed(
    given_tariff: Tariff, given_periods: list[ChargingPeriod], what: str
) -> None:
    assert price(given_tariff, given_periods, ZONE) == Incomplete((what,))


def test_order_of_periods_is_the_only_thing_wrong_above() -> None:
    assert isinstance(price(BOTH, periods("1", "2"), ZONE), Priced)
