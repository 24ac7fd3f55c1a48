"""From readings to periods: charging and standing, grace, amounts, boundaries; and what lacks too much for a price."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from tests.pricing.prices import BERLIN, D, at, element, energy, flat, hourly, parking, tariff

from wattseal.model.cdr import ChargingPeriod, Dimension
from wattseal.model.tariff import Tariff
from wattseal.pricing import Incomplete, Priced, price
from wattseal.pricing.clock import milliseconds
from wattseal.pricing.periods import Point, hours, needs_readings, periods, reserved, usable
from wattseal.pricing.used import read_period

BEGUN = at("2026-06-01T16:00")
BOTH = tariff(hourly("6"), parking("12"), energy("0.30"))


def points(*read: tuple[int, int | str | None], begun: datetime = BEGUN) -> tuple[Point, ...]:
    """Return points at so many minutes, with registers in Wh."""
    return tuple(Point(milliseconds(begun + timedelta(minutes=m)), None if wh is None else D(wh)) for m, wh in read)


def made(read: tuple[Point, ...], by: Tariff) -> list[tuple[int, dict[str, Decimal]]]:
    """Return the periods as minutes from the beginning and volumes, times in minutes."""
    found = periods(read, by)
    assert not isinstance(found, Incomplete), found
    told = []
    for number, period in enumerate(found):
        used = read_period(number, period)
        volumes = {d.type: d.volume for d in period.dimensions}
        volumes |= {"TIME": D(used.times_ms[0]) / 60_000} if "TIME" in volumes else {}
        volumes |= {"PARKING_TIME": D(used.times_ms[1]) / 60_000} if "PARKING_TIME" in volumes else {}
        told.append(((used.start_ms - read[0].ms) // 60_000, volumes))
    return told


def cost(read: tuple[Point, ...], by: Tariff) -> str:
    found = periods(read, by)
    assert not isinstance(found, Incomplete), found
    priced = price(by, found, BERLIN)
    assert isinstance(priced, Priced), priced
    return str(priced.total.before_tax)


def lacks(read: tuple[Point, ...], by: Tariff) -> tuple[str, ...]:
    found = periods(read, by)
    assert isinstance(found, Incomplete), found
    return found.what


CHARGED = points((0, 0), (15, 3000), (30, 5000), (45, 5000), (60, 5000), (75, 6000), (90, 6000))


def test_a_car_charges_where_the_register_grows_and_stands_where_it_does_not() -> None:
    assert made(CHARGED, BOTH) == [
        (0, {"ENERGY": D(5), "TIME": D(30)}),
        (30, {"ENERGY": D(0), "PARKING_TIME": D(30)}),
        (60, {"ENERGY": D(1), "TIME": D(15)}),
        (75, {"ENERGY": D(0), "PARKING_TIME": D(15)}),
    ]
    assert cost(CHARGED, BOTH) == "15.30"


@pytest.mark.parametrize(("grace_s", "parked"), [(0, 45), (600, 35), (1800, 15), (2100, 10), (2700, 0), (9999, 0)])
def test_grace_takes_the_first_standing_out_of_the_session_once(grace_s: int, parked: int) -> None:
    by = replace(BOTH, idle_grace_s=grace_s)
    told = made(CHARGED, by)
    assert sum(volumes.get("PARKING_TIME", D(0)) for _, volumes in told) == parked
    assert sum(volumes.get("TIME", D(0)) for _, volumes in told) == 45
    assert cost(CHARGED, by) == f"{D('6.30') + parked * D('0.2'):.2f}"


def test_energy_between_two_readings_belongs_to_what_applied_at_the_first() -> None:
    by = tariff(element(energy("0.20"), end_time="16:20"), element(energy("0.40")))
    assert made(CHARGED, by) == [
        (0, {"ENERGY": D(5), "TIME": D(20)}),
        (20, {"ENERGY": D(0), "TIME": D(10)}),
        (30, {"ENERGY": D(0), "PARKING_TIME": D(30)}),
        (60, {"ENERGY": D(1), "TIME": D(15)}),
        (75, {"ENERGY": D(0), "PARKING_TIME": D(15)}),
    ]
    assert cost(CHARGED, by) == "1.40"


def test_energy_is_split_at_amounts_and_the_interval_s_time_comes_after_it() -> None:
    by = tariff(element(energy("0.10"), hourly("1"), max_kwh="4"), element(energy("0.50"), hourly("10")))
    assert made(CHARGED[:3], by) == [
        (0, {"ENERGY": D(3), "TIME": D(15)}),
        (15, {"ENERGY": D(1), "TIME": D(0)}),
        (15, {"ENERGY": D(1), "TIME": D(0)}),
        (15, {"ENERGY": D(0), "TIME": D(15)}),
    ]
    assert cost(CHARGED[:3], by) == f"{D('0.4') + D('0.5') + D('0.25') + D('2.5'):.2f}"


def test_an_amount_reached_exactly_is_reached() -> None:
    by = tariff(element(energy("0.10"), max_kwh="3"), element(energy("0.50")))
    assert cost(points((0, 0), (15, 3000)), by) == "0.30"
    assert cost(points((0, 0), (15, "3001")), by) == "0.30"
    assert cost(points((0, 0), (15, "3100")), by) == "0.35"


def test_power_is_the_interval_s_average_and_stands_in_the_periods() -> None:
    by = tariff(
        element(energy("0.20"), max_power_kw="10"), element(energy("0.40"), max_power_kw="12"), element(energy("0.60"))
    )
    read = points((0, 0), (15, 2500), (30, 5000), (45, 5001), (60, 5001), (75, "7999.999"), (90, 11000))
    told = [
        (minute, volumes["ENERGY"], volumes["MIN_POWER"], volumes["MAX_POWER"]) for minute, volumes in made(read, by)
    ]
    assert told == [
        (0, D(5), D(10), D(10)),
        (30, D("0.001"), D("0.004"), D("0.004")),
        (45, D(0), D(0), D(0)),
        (60, D("2.998999"), D("11.995996"), D("11.995996")),
        (75, D("3.000001"), D("12.000004"), D("12.000004")),
    ]
    by_hand = 5 * D("0.4") + D("0.001") * D("0.2") + D("2.998999") * D("0.4") + D("3.000001") * D("0.6")
    assert cost(read, by) == f"{by_hand:.2f}"


def test_energy_in_no_time_has_no_power() -> None:
    by = tariff(element(energy("0.20"), max_power_kw="10"), element(energy("0.40")))
    assert lacks(points((0, 0), (15, 1000), (15, 1500), (30, 2000)), by) == ("power_unknown:points[2]",)


def test_current_is_told_by_no_register() -> None:
    by = tariff(element(energy("0.20"), max_current_a="10"), element(energy("0.40")))
    found = periods(CHARGED, by)
    assert not isinstance(found, Incomplete)
    assert price(by, found, BERLIN) == Incomplete(("current_unknown:elements[0]",))


def test_start_and_end_suffice_where_nothing_in_between_matters() -> None:
    by = tariff(element(energy("0.10"), max_kwh="4"), element(flat("1"), energy("0.50")), idle_grace_s=60)
    assert not needs_readings(by)
    hidden = (CHARGED[0], *(Point(p.ms, None) for p in CHARGED[1:-1]), CHARGED[-1])
    assert cost(CHARGED, by) == cost(hidden, by) == cost((CHARGED[0], CHARGED[-1]), by) == "2.40"


@pytest.mark.parametrize(
    "by",
    [
        tariff(hourly("1")),
        tariff(parking("1")),
        tariff(element(energy("1"), start_time="10:00")),
        tariff(element(energy("1"), end_date="2027-01-01")),
        tariff(element(energy("1"), days=("MONDAY",))),
        tariff(element(energy("1"), min_duration_s=60)),
        tariff(element(energy("1"), min_power_kw="1")),
        tariff(element(energy("1"), min_current_a="1")),
        tariff(energy("1"), element(flat("1"), start_time="10:00")),
    ],
)
def test_where_it_matters_a_reading_that_is_not_shown_leaves_no_price(by: Tariff) -> None:
    assert needs_readings(by)
    hidden = (*CHARGED[:2], Point(CHARGED[2].ms, None), *CHARGED[3:])
    assert lacks(hidden, by) == ("register_missing:points[2]",)


def test_a_reservation_s_terms_need_no_readings() -> None:
    assert not needs_readings(tariff(element(hourly("1"), flat("1"), reservation="RESERVATION"), element(energy("1"))))


@pytest.mark.parametrize(
    ("read", "by", "what"),
    [
        (points((0, 0)), BOTH, "points_missing"),
        (points((0, 10), (15, 9)), BOTH, "register_backwards:points[1]"),
        (points((0, 10), (15, 9)), tariff(energy("1")), "register_backwards:points[1]"),
        (points((0, 10), (15, 20), (30, 19), (45, 30)), BOTH, "register_backwards:points[2]"),
        (points((0, 10), (15, 20), (10, 30)), BOTH, "time_backwards:points[2]"),
        (points((0, None), (15, 20)), tariff(energy("1")), "register_missing:points[0]"),
        (points((0, 0), (401 * 1440, 20)), BOTH, "time_span"),
        (points((0, 0), (15, 20)), replace(BOTH, time_zone="Moon/Base"), "time_zone"),
        (points((0, 0), (15, 20)), replace(BOTH, elements=()), "elements_missing"),
    ],
)
def test_what_cannot_be_made_periods_of_is_said(read: tuple[Point, ...], by: Tariff, what: str) -> None:
    assert what in lacks(read, by)


def test_a_clock_that_jumps_back_leaves_a_price_by_energy_alone() -> None:
    assert cost(points((0, 0), (-5, 1000)), tariff(energy("1"))) == "1.00"


def test_readings_outside_the_session_or_its_registers_are_held_within() -> None:
    start, end = points((0, "1000.4"), (60, 3000))
    told = points((-5, 900), (0, 1000), (30, 2000), (15, 2500), (20, 1500), (45, "3000.6"), (60, 9000), (70, 9000))
    assert usable(start, told, end) == points((0, "1000.4"), (15, 2500), (20, 2500), (30, 2500), (45, 3000), (60, 3000))
    assert usable(start, [Point(told[2].ms, None)], end)[1].register_wh is None


@pytest.mark.parametrize("minutes", [0, 10])
def test_a_session_without_time_or_all_of_it_in_grace_has_a_price(minutes: int) -> None:
    by = replace(BOTH, idle_grace_s=3600)
    assert made(points((0, 5), (minutes, 5)), by) == [(0, {"ENERGY": D(0), "TIME": D(0)})]
    assert cost(points((0, 5), (minutes, 5)), by) == "0.00"


@pytest.mark.parametrize("ms", [0, 1, 17, 359, 360, 3_599_999, 3_600_000, 86_399_999, 34_559_999_999])
def test_hours_give_every_millisecond_back(ms: int) -> None:
    read = reserved(0, ms, BOTH)
    assert read_period(0, read).times_ms[2] == ms
    assert read.dimensions[0].volume == hours(ms)


def test_periods_of_periods_cost_the_same_to_whoever_prices_them() -> None:
    """Each period alone decides: no boundary lies within, so that an engine that never splits comes to the same."""
    by = tariff(
        element(energy("0.10"), hourly("1"), start_time="16:10", end_time="16:40", max_kwh="4"),
        element(energy("0.50"), hourly("10"), min_duration_s=1000),
        element(energy("0.70"), hourly("3"), parking("5")),
    )
    found = periods(CHARGED, by)
    assert not isinstance(found, Incomplete)
    total, kwh = D(0), D(0)
    for number, period in enumerate(found):
        total += _unsplit(by, number, period, kwh)
        kwh += period.dimensions[0].volume
    assert f"{total:.2f}" == cost(CHARGED, by)


def _unsplit(by: Tariff, number: int, period: ChargingPeriod, kwh: Decimal) -> Decimal:
    """Price a period by what applies at its start, as engines do that leave the splitting to the CDR."""
    local, age_s = period.start_at.astimezone(BERLIN), (period.start_at - BEGUN).total_seconds()
    used = read_period(number, period)
    total = D(0)
    for kind, amount in zip(
        ("TIME", "PARKING_TIME", "ENERGY"), (*(D(t) / 3_600_000 for t in used.times_ms[:2]), used.kwh), strict=True
    ):
        for one in by.elements:
            r = one.restrictions
            fits = r is None or (
                (r.start_time is None or r.end_time is None or r.start_time <= local.time() < r.end_time)
                and (r.max_kwh is None or kwh < r.max_kwh)
                and (r.min_duration_s is None or age_s >= r.min_duration_s)
            )
            component = next((c for c in one.components if c.type == kind), None)
            if fits and component is not None:
                total += amount * component.price
                break
    return total


def test_a_tariff_made_to_keep_others_computing_is_not_priced() -> None:
    clocks = [f"{minute // 60:02}:{minute % 60:02}" for minute in range(1, 1000)]
    by = tariff(*(element(energy("1"), hourly("1"), start_time=clock) for clock in clocks))
    assert lacks(points((0, 0), (60 * 24 * 300, 1000)), by) == ("too_much",)
    long = ChargingPeriod(BEGUN, (Dimension("ENERGY", D(1)), Dimension("TIME", D(24 * 300))), by.id)
    assert price(by, (long,), BERLIN) == Incomplete(("too_much",))
    week = tariff(
        *(element(energy("0.3"), start_time=f"{h:02}:00", end_time=f"{(h + 1) % 24:02}:00") for h in range(24))
    )
    assert cost(points((0, 0), (60 * 24 * 30, 1000)), week) == "0.30"
