"""Prices by the wall clock: days of 23 and 25 hours, windows over midnight, validity; taxes, limits, currencies."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.pricing.prices import (
    BERLIN,
    D,
    at,
    costs,
    element,
    energy,
    flat,
    hourly,
    lacks,
    parking,
    period,
    priced,
    tariff,
)

from wattseal.model.billing import TaxShare
from wattseal.model.tariff import Price, Tariff, TaxIncluded
from wattseal.pricing.periods import Point, periods

SPRING, AUTUMN = "2026-03-29", "2026-10-25"
NIGHT = tariff(element(hourly("1"), start_time="02:00", end_time="03:00"), element(hourly("0.01")))


def whole_day(day: str) -> tuple[datetime, float]:
    """Return when a day in Berlin begins, and its minutes."""
    start = at(f"{day}T00:00")
    end = at(f"{(start + timedelta(days=1)).date().isoformat()}T00:00")
    return start, (end.astimezone(UTC) - start.astimezone(UTC)).total_seconds() / 60


@pytest.mark.parametrize(("day", "hours"), [(SPRING, 23), ("2026-06-01", 24), (AUTUMN, 25)])
def test_a_day_is_as_long_as_it_is(day: str, hours: int) -> None:
    start, minutes = whole_day(day)
    assert minutes == hours * 60
    assert costs(tariff(hourly("1")), period(start, minutes=minutes))[0] == f"{hours}.00"


@pytest.mark.parametrize(("day", "inside", "outside"), [(SPRING, 0, 23), ("2026-06-01", 1, 23), (AUTUMN, 2, 23)])
def test_an_hour_that_a_day_skips_costs_nothing_and_one_it_has_twice_costs_twice(
    day: str, inside: int, outside: int
) -> None:
    start, minutes = whole_day(day)
    found = priced(NIGHT, period(start, minutes=minutes))
    assert found.total.before_tax == inside * D(1) + outside * D("0.01")
    told = sum(line.quantity for line in found.trace if line.element == 0)
    assert told == inside * 3600


def test_a_window_that_begins_within_the_hour_that_is_skipped_begins_when_the_clock_jumps() -> None:
    by = tariff(element(hourly("1"), start_time="02:30", end_time="04:00"), element(hourly("0.00")))
    found = priced(by, period(f"{SPRING}T01:30", minutes=120))
    (line,) = (line for line in found.trace if line.element == 0)
    assert (line.local_start.isoformat(), line.quantity) == (f"{SPRING}T03:00:00+02:00", D(3600))


def test_a_window_within_the_hour_that_comes_twice_applies_both_times() -> None:
    by = tariff(element(hourly("1"), start_time="02:15", end_time="02:45"), element(hourly("0.00")))
    found = priced(by, period(f"{AUTUMN}T01:00", minutes=240))
    told = [(line.local_start.isoformat(), line.quantity) for line in found.trace if line.element == 0]
    assert told == [
        (f"{AUTUMN}T02:15:00+02:00", D(1800)),
        (f"{AUTUMN}T02:15:00+01:00", D(1800)),
    ]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("22:00", "06:00", 8),
        ("06:00", "22:00", 16),
        ("18:00", "00:00", 6),
        ("00:00", "07:00", 7),
        ("00:00", "00:00", 24),
    ],
)
def test_windows_wrap_midnight_and_end_at_the_day_s_end(start: str, end: str, expected: int) -> None:
    by = tariff(element(hourly("1"), start_time=start, end_time=end), element(hourly("0.00")))
    assert costs(by, period("2026-06-01T12:00", minutes=24 * 60))[0] == f"{expected}.00"


def test_the_hours_after_midnight_are_the_next_day_s() -> None:
    night = element(hourly("1"), start_time="22:00", end_time="06:00", days=("FRIDAY",))
    by = tariff(night, element(hourly("0.00")))
    friday = period("2026-06-05T12:00", minutes=24 * 60)
    assert costs(by, friday)[0] == "2.00"
    assert costs(by, period("2026-06-04T12:00", minutes=24 * 60))[0] == "6.00"


def test_dates_begin_and_end_at_local_midnight() -> None:
    by = tariff(element(hourly("1"), start_date="2026-06-02", end_date="2026-06-03"), element(hourly("0.00")))
    assert costs(by, period("2026-06-01T12:00", minutes=3 * 24 * 60))[0] == "24.00"
    assert costs(replace(by, time_zone="Asia/Tokyo"), period("2026-06-01T15:00+00:00", minutes=24 * 60))[0] == "24.00"


def test_across_midnight_the_clock_change_and_the_tariff_s_end_the_tariff_of_the_start_applies() -> None:
    by = tariff(
        element(hourly("1"), energy("0.10"), start_time="22:00", end_time="03:00"),
        element(hourly("2"), energy("0.20")),
        start_at=at("2026-10-01T00:00"),
        end_at=at(f"{AUTUMN}T01:00"),
    )
    start = at("2026-10-24T21:00").astimezone(UTC)
    read = [Point(round(start.timestamp() * 1000) + hour * 3_600_000, D(1000 * hour)) for hour in range(9)]
    found = periods(read, by)
    assert isinstance(found, tuple)
    # 21 to 22 dear; 22 to 03, six hours of this night, cheap; 03 to 04 dear
    assert [p.start_at.astimezone(BERLIN).isoformat() for p in found] == [
        "2026-10-24T21:00:00+02:00",
        "2026-10-24T22:00:00+02:00",
        "2026-10-25T03:00:00+01:00",
    ]
    assert costs(by, *found)[0] == f"{2 + 6 + 2 + D('0.2') + D('0.6') + D('0.2'):.2f}"
    assert lacks(replace(by, end_at=start), *found) == ("tariff_no_longer_valid",)
    assert lacks(replace(by, start_at=start + timedelta(seconds=1)), *found) == ("tariff_not_yet_valid",)


MIXED = (flat("0.333", "20"), energy("1", "7.7"), parking("100", None))


@pytest.mark.parametrize(
    ("currency", "total", "taxes"),
    [
        ("JPY", ("6", "7"), [(None, "3", "0"), ("7.7", "3", "1"), ("20", "0", "0")]),
        ("EUR", ("6.33", "6.61"), [(None, "3.33", "0.00"), ("7.7", "2.67", "0.21"), ("20", "0.33", "0.07")]),
        ("KWD", ("6.333", "6.605"), [(None, "3.333", "0.000"), ("7.7", "2.667", "0.205"), ("20", "0.333", "0.067")]),
    ],
)
def test_three_currencies_of_three_kinds(
    currency: str, total: tuple[str, str], taxes: list[tuple[str | None, str, str]]
) -> None:
    """Exactly 0.333 + 2.667 + 3.333... without tax (a step is 1 Wh), 0.0666 + 0.205359 of tax."""
    by = tariff(*MIXED, currency=currency)
    found = priced(by, period("2026-06-01T10:00", kwh="2.6666"), period("2026-06-01T12:00", parked=2))
    assert (str(found.total.before_tax), str(found.total.after_tax)) == total
    told = [(None if s.percent is None else str(s.percent), str(s.net), str(s.tax)) for s in found.taxes]
    assert told == taxes


def test_taxes_are_taken_out_of_prices_that_include_them_exactly() -> None:
    by = tariff(energy("0.595", "19"), flat("1.07", "7"), tax_included=TaxIncluded.YES)
    found = priced(by, period("2026-06-01T10:00", kwh=10))
    assert found.total == Price(D("6.00"), D("7.02"))
    assert found.taxes == (TaxShare(D(7), D("1.00"), D("0.07")), TaxShare(D(19), D("5.00"), D("0.95")))


def test_where_no_taxes_apply_there_are_none() -> None:
    by = tariff(energy("0.50"), tax_included=TaxIncluded.NOT_APPLICABLE)
    found = priced(by, period("2026-06-01T10:00", kwh=10))
    assert (found.total, found.taxes) == (Price(D("5.00"), D("5.00")), (TaxShare(None, D("5.00"), D("0.00")),))


def test_what_a_limit_takes_off_comes_off_every_rate_in_proportion() -> None:
    by = tariff(flat("4", "20"), energy("1", "10"), max_price=Price(D(5)))
    found = priced(by, period("2026-06-01T10:00", kwh=6))
    assert found.total == Price(D("5.00"), D("5.70"))
    assert found.taxes == (TaxShare(D(10), D("3.00"), D("0.30")), TaxShare(D(20), D("2.00"), D("0.40")))
    correction = found.trace[-1]
    assert (correction.why, correction.dimension, correction.element) == ("max_price", "SESSION", None)
    assert correction.before_tax == -5


@pytest.mark.parametrize(
    ("limit", "total", "tax"),
    [
        (Price(D("0.50"), D("0.55")), ("0.50", "0.55"), (D(10), D("0.50"), D("0.05"))),
        (Price(D("0.50")), ("0.50", "0.55"), (D(10), D("0.50"), D("0.05"))),
    ],
)
def test_a_minimum_counts_for_a_session_without_energy(
    limit: Price, total: tuple[str, str], tax: tuple[object, ...]
) -> None:
    by = tariff(energy("0.25", "10"), min_price=limit)
    session = period("2026-06-01T10:00", kwh=0)
    assert costs(by, session) == total
    assert priced(by, session).taxes == (TaxShare(*tax),)  # type: ignore[arg-type] # a rate, a net amount, a tax


def test_a_reservation_that_expired_has_no_minimum() -> None:
    by = tariff(element(hourly("2"), reservation="RESERVATION"), element(energy("1")), min_price=Price(D(20)))
    assert costs(by, period("2026-06-01T10:00", reserved=30))[0] == "1.00"
    assert costs(by, period("2026-06-01T10:00", reserved=30), period("2026-06-01T10:30", kwh=1))[0] == "20.00"


def test_reserved_time_is_split_by_the_clock_and_rounded_by_its_own_step() -> None:
    by = tariff(
        element(hourly("6", None, 600), reservation="RESERVATION", end_time="10:00"),
        element(hourly("12", None, 600), reservation="RESERVATION"),
        element(hourly("1", None, 3600)),
    )
    found = priced(by, period("2026-06-01T09:50", reserved=15), period("2026-06-01T10:05", minutes=30))
    told = [(line.why, line.dimension, line.element, line.quantity) for line in found.trace]
    assert told == [
        ("first_match", "RESERVATION_TIME", 0, D(600)),
        ("first_match", "RESERVATION_TIME", 1, D(300)),
        ("only_component", "TIME", 2, D(1800)),
        ("step_size_once", "RESERVATION_TIME", 1, D(300)),
        ("step_size_once", "TIME", 2, D(1800)),
    ]


FREE = tariff(flat("0.00"))


def test_a_free_tariff_and_a_session_without_energy_come_to_nothing_and_say_so() -> None:
    for by in (FREE, tariff(energy("0.30", "20"))):
        found = priced(by, period("2026-06-01T10:00", kwh=0))
        assert found.total == Price(D("0.00"), D("0.00"))
        assert sum(share.net + share.tax for share in found.taxes) == 0
    found = priced(FREE, period("2026-06-01T10:00", kwh=7))
    assert [line.why for line in found.trace] == ["flat_once", "dimension_not_priced"]


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        (tariff(element(flat("1"), max_duration_s=60), element(flat("2"))), "1.00"),
        (tariff(element(flat("1"), min_duration_s=3600), element(energy("0"))), "1.00"),
        (tariff(element(flat("1"), min_duration_s=7201), element(energy("0"))), "0.00"),
        (tariff(element(flat("1"), min_kwh="5"), element(energy("0"))), "1.00"),
        (tariff(element(flat("1"), min_kwh="5.001"), element(energy("0"))), "0.00"),
        (tariff(element(flat("1"), start_time="11:00"), element(flat("2"), start_time="10:30"), energy("0")), "2.00"),
    ],
)
def test_a_flat_fee_is_charged_once_by_what_applies_first(by: Tariff, expected: str) -> None:
    assert costs(by, period("2026-06-01T10:00", kwh=5, minutes=120))[0] == expected


def test_bounds_of_power_decide_where_they_can_and_nothing_is_guessed_where_they_cannot() -> None:
    by = tariff(element(energy("1"), min_power_kw="10", max_power_kw="20"), element(energy("2")))
    session = "2026-06-01T10:00"
    assert costs(by, period(session, kwh=1, min_power=10, max_power="19.9"))[0] == "1.00"
    assert costs(by, period(session, kwh=1, min_power=20, max_power=30))[0] == "2.00"
    assert costs(by, period(session, kwh=1, power=15, min_power=1, max_power=50))[0] == "1.00"
    assert lacks(by, period(session, kwh=1, min_power=5, max_power=15)) == ("power_unknown:elements[0]",)
    assert costs(by, period(session, kwh=0))[0] == "0.00"


def test_charging_after_standing_is_rounded_and_standing_is_not() -> None:
    by = tariff(hourly("6", None, 600), parking("12", None, 600))
    session = (
        period("2026-06-01T10:00", minutes=11),
        period("2026-06-01T10:11", parked=3),
        period("2026-06-01T10:14", minutes=5),
    )
    found = priced(by, *session)
    told = [(line.why, line.dimension, line.quantity) for line in found.trace]
    assert told == [
        ("only_component", "TIME", D(660)),
        ("only_component", "PARKING_TIME", D(180)),
        ("only_component", "TIME", D(300)),
        ("step_size_once", "TIME", D(240)),
    ]
