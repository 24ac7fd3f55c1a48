"""The worked examples of the OCPI text (2.2.1 and 2.3.0, modules tariffs and cdrs) come out as printed there."""

from dataclasses import replace
from fractions import Fraction

import pytest
from tests.pricing.prices import WEEKDAYS, D, costs, element, energy, flat, hourly, parking, period, priced, tariff

from wattseal.model.cdr import ChargingPeriod
from wattseal.model.tariff import Price, PriceComponent, Tariff, TaxIncluded

MORNING = "2026-06-01T08:00"  # a Monday
STARTED = (flat("0.50", "20"), energy("0.25", "10"))
PARKED = "2026-06-01T10:30"

SIMPLE = [
    ("energy", tariff(energy("0.25", "10")), [period(MORNING, kwh=20)], ("5.00", "5.50")),
    ("energy and start", tariff(*STARTED), [period(MORNING, kwh=20)], ("5.50", "6.10")),
    (
        "energy, start and parking by the quarter of an hour",
        tariff(*STARTED, parking("2.00", "20", 900)),
        [period(MORNING, kwh=20, minutes=150), period(PARKED, parked=40)],
        ("7.00", "7.90"),
    ),
    ("time", tariff(hourly("2.00", "10", 60)), [period(MORNING, minutes=150)], ("5.00", "5.50")),
    (
        "time alone: parking is free",
        tariff(hourly("2.00", "10", 60)),
        [period(MORNING, minutes=150), period(PARKED, parked=60)],
        ("5.00", "5.50"),
    ),
    (
        "taxes come on top, by whoever knows them",
        tariff(hourly("2.00", None, 60), currency="CAD"),
        [period(MORNING, minutes=150)],
        ("5.00", "5.00"),
    ),
    (
        "taxes are in the price, nobody says which",
        tariff(hourly("2.10"), currency="CAD", tax_included=TaxIncluded.YES),
        [period(MORNING, minutes=150)],
        ("5.25", "5.25"),
    ),
    (
        "time and parking",
        tariff(hourly("3.00", "10", 60), parking("5.00", "20", 300)),
        [period(MORNING, minutes=150), period(PARKED, parked=42)],
        ("11.25", "12.75"),
    ),
    ("odd rate", tariff(hourly("1.90", "5.2", 300)), [period(MORNING, minutes=150)], ("4.75", "5.00")),
    ("step", tariff(flat("0.50", "20"), energy("0.25", "10", 100)), [period(MORNING, kwh=20.45)], ("5.63", "6.24")),
    (
        "without the step",
        tariff(flat("0.50", "20"), energy("0.25", "10")),
        [period(MORNING, kwh=20.45)],
        ("5.61", "6.22"),
    ),
    ("free of charge", tariff(flat("0.00")), [period(MORNING, kwh=20)], ("0.00", "0.00")),
]


@pytest.mark.parametrize(("by", "periods", "expected"), [case[1:] for case in SIMPLE], ids=[case[0] for case in SIMPLE])
def test_simple_tariffs(by: Tariff, periods: list[ChargingPeriod], expected: tuple[str, str]) -> None:
    assert costs(by, *periods) == expected


def test_a_minimum_price_holds_before_and_after_tax() -> None:
    by = tariff(energy("0.25", "10"), min_price=Price(D("0.50"), D("0.55")))
    assert costs(by, period(MORNING, kwh=20)) == ("5.00", "5.50")
    assert costs(by, period(MORNING, kwh="1.999")) == ("0.50", "0.55")


def test_a_maximum_price_holds_before_and_after_tax() -> None:
    by = tariff(*STARTED, max_price=Price(D(10), D(11)))
    assert costs(by, period(MORNING, kwh=50)) == ("10.00", "11.00")
    assert costs(by, period(MORNING, kwh=30)) == ("8.00", "8.85")


COMPLEX = tariff(
    element(flat("2.50", "15")),
    element(hourly("1.00", "20", 900), max_current_a="32"),
    element(hourly("2.00", "20", 600), min_current_a="32", days=WEEKDAYS),
    element(hourly("1.25", "20", 600), min_current_a="32", days=("SATURDAY", "SUNDAY")),
    element(parking("5.00", "10", 300), start_time="09:00", end_time="18:00", days=WEEKDAYS),
    element(parking("6.00", "10", 300), start_time="10:00", end_time="17:00", days=("SATURDAY",)),
)


def test_the_complex_tariff_on_a_monday_at_sixteen_ampere() -> None:
    session = (
        period("2026-06-01T09:30", minutes=165, max_current=16, min_current=0),
        period("2026-06-01T12:15", parked=42),
    )
    assert costs(COMPLEX, *session) == ("9.00", "10.30")


def test_the_complex_tariff_on_a_saturday_at_forty_three_ampere() -> None:
    """The text prints 2.28 for 114 minutes at 1.25 an hour, which is 2.375: at 1.20 an hour all of it is as printed."""
    charged = period("2026-06-06T13:30", minutes=114, min_current=43, max_current=43)
    session = (charged, period("2026-06-06T15:24", parked=71))
    assert costs(COMPLEX, *session) == ("12.38", "13.98")
    weekend = element(hourly("1.20", "20", 600), min_current_a="32", days=("SATURDAY", "SUNDAY"))
    as_printed = replace(COMPLEX, elements=(*COMPLEX.elements[:3], weekend, *COMPLEX.elements[4:]))
    found = priced(as_printed, *session)
    assert (found.total.before_tax, found.total.after_tax) == (D("12.28"), D("13.86"))
    assert sum(Fraction(line.after_tax) for line in found.trace) == D("13.861")


RESERVABLE = element(*STARTED)
AT_EIGHT = "2026-06-01T08:00"


@pytest.mark.parametrize(
    ("reservation", "reserved", "charged_at", "expected"),
    [
        ((hourly("5.00", "20", 60),), 15, "2026-06-01T08:15", ("6.75", "7.60")),
        ((flat("2.00", "20"), hourly("5.00", "20", 300)), 13, "2026-06-01T08:13", ("8.75", "10.00")),
        ((hourly("2.00", "20", 600),), 22, "2026-06-01T08:22", ("6.50", "7.30")),
        ((hourly("3.00", "20", 600),), 22, "2026-06-01T08:22", ("7.00", "7.90")),
    ],
)
def test_a_reservation_that_is_used(
    reservation: tuple[PriceComponent, ...], reserved: int, charged_at: str, expected: tuple[str, str]
) -> None:
    by = tariff(element(*reservation, reservation="RESERVATION"), RESERVABLE)
    assert costs(by, period(AT_EIGHT, reserved=reserved), period(charged_at, kwh=20)) == expected


EXPIRY_FEE = tariff(
    element(flat("4.00", "20"), reservation="RESERVATION_EXPIRES"),
    element(hourly("2.00", "20", 600), reservation="RESERVATION"),
    RESERVABLE,
)
EXPIRY_TIME = tariff(
    element(hourly("6.00", "20", 600), reservation="RESERVATION_EXPIRES"),
    element(hourly("3.00", "20", 600), reservation="RESERVATION"),
    RESERVABLE,
)


def test_a_reservation_that_is_not_used() -> None:
    assert costs(EXPIRY_FEE, period(AT_EIGHT, reserved=60)) == ("6.00", "7.20")
    assert costs(EXPIRY_TIME, period(AT_EIGHT, reserved=90)) == ("9.00", "10.80")


def test_terms_for_expired_reservations_do_not_touch_those_that_are_used() -> None:
    for by, expected in ((EXPIRY_FEE, ("6.50", "7.30")), (EXPIRY_TIME, ("7.00", "7.90"))):
        assert costs(by, period(AT_EIGHT, reserved=22), period("2026-06-01T08:22", kwh=20)) == expected


SWITCHING = tariff(
    element(hourly("1.20", None, 1800), parking("1.00", None, 900), start_time="00:00", end_time="17:00"),
    element(hourly("2.40", None, 900), parking("1.00", None, 900), start_time="17:00", end_time="20:00"),
    element(hourly("2.40", None, 900), start_time="20:00", end_time="00:00"),
)


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        ((period("2026-06-01T16:55", minutes=10), period("2026-06-01T17:05", parked=2)), "0.55"),
        ((period("2026-06-01T16:35", minutes=35),), "1.30"),
        ((period("2026-06-01T19:40", minutes=12), period("2026-06-01T19:52", parked=20)), "0.73"),
    ],
)
def test_steps_when_another_element_takes_over(session: tuple[ChargingPeriod, ...], expected: str) -> None:
    assert costs(SWITCHING, *session)[0] == expected


BY_POWER = tariff(
    element(energy("0.20", "20"), max_power_kw="16"),
    element(energy("0.35", "20"), max_power_kw="32"),
    element(energy("0.50", "20")),
)


def test_energy_by_power() -> None:
    session = (
        period("2026-06-01T08:00", kwh=1, minutes=10),
        period("2026-06-01T08:10", kwh=40, minutes=50),
        period("2026-06-01T09:00", kwh="0.5", minutes="7.5"),
    )
    found = priced(BY_POWER, *session)
    assert found.total.before_tax == D("20.30")
    by_energy = [(line.element, line.quantity) for line in found.trace if line.dimension == "ENERGY"]
    assert by_energy == [(0, D(1)), (2, D(40)), (0, D("0.5"))]


BY_DURATION = tariff(
    element(energy("0.00", "20"), max_duration_s=1800),
    element(energy("0.25", "20"), max_duration_s=3600),
    element(energy("0.40", "20")),
)


def test_energy_by_duration() -> None:
    session = (period("2026-06-01T08:00", kwh=5, minutes=30), period("2026-06-01T08:30", kwh="1.2", minutes=10))
    assert costs(BY_DURATION, *session)[0] == "0.30"


def test_steps_of_energy_and_time_as_the_module_cdrs_has_them() -> None:
    by_energy = tariff(element(energy("0.20", None, 500), end_time="17:00"), element(energy("0.27", None, 500)))
    found = priced(by_energy, period("2026-06-01T16:00", kwh="4.3"), period("2026-06-01T17:00", kwh="1.1"))
    assert sum(line.before_tax for line in found.trace) == D("4.3") * D("0.20") + D("1.2") * D("0.27")
    by_time = tariff(element(hourly("5", None, 600), end_time="17:00"), element(hourly("7", None, 600)))
    found = priced(by_time, period("2026-06-01T16:54", minutes=28))
    assert sum(line.before_tax for line in found.trace) == D("0.5") + D("2.8")
    both = tariff(hourly("1.00", None, 600), parking("2.00", None, 600))
    found = priced(both, period("2026-06-01T16:00", minutes=21), period("2026-06-01T16:21", parked=16))
    assert sum(line.quantity for line in found.trace) == 41 * 60
