"""Schedules for cars: within limits, within what the car takes, in the room it has; and plans held against limits."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from wattseal.model.charging import Composite, Period, RateUnit, Schedule
from wattseal.rules.charging_needs import AHEAD_S, MIN_AHEAD_S, NO_LIMIT, Needs, exceeds, plan, read_needs
from wattseal.rules.charging_rates import Electrics

NOW = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)


def limits(*steps: tuple[int, int | None]) -> Composite:
    periods = tuple(Period(start_s=at, limit=None if limit is None else Decimal(limit)) for at, limit in steps)
    return Composite(evse_id=1, start=NOW, duration_s=3600, unit=RateUnit.A, periods=periods)


def offered(needs: Needs, found: Composite, room: int | None = None) -> list[tuple[int, Any]]:
    return [(period.start_s, period.limit) for period in plan(needs, found, room).periods]


SIXTEEN = Needs(RateUnit.A, Decimal(16))


def test_a_car_is_offered_the_lower_of_the_limit_and_what_it_takes() -> None:
    found = limits((0, 32), (600, 10), (1200, None))
    assert offered(SIXTEEN, found) == [(0, 16), (600, 10), (1200, 16)]
    assert offered(Needs(RateUnit.A, None), limits((0, None))) == [(0, NO_LIMIT[RateUnit.A])]


def test_what_does_not_fit_into_the_cars_periods_is_joined_with_the_lowest_limit() -> None:
    found = limits((0, 14), (600, 8), (1200, 12), (1800, 6), (2400, 10))
    assert offered(SIXTEEN, found, 2) == [(0, 8), (1800, 6)]
    assert offered(SIXTEEN, found, 1) == [(0, 6)]
    assert offered(SIXTEEN, found, 0) == [(0, 6)], "a car without room gets one period"


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        ({"acChargingParameters": {"evMaxCurrent": 16, "evMinCurrent": 6}}, (RateUnit.A, 16)),
        ({"dcChargingParameters": {"evMaxCurrent": 200, "evMaxVoltage": 400}}, (RateUnit.W, 80_000)),
        (
            {"dcChargingParameters": {"evMaxCurrent": 200, "evMaxVoltage": 400, "evMaxPower": 50_000}},
            (RateUnit.W, 50_000),
        ),
        ({"v2xChargingParameters": {"maxChargePower": 7000}}, (RateUnit.W, 7000)),
        ({"acChargingParameters": {"evMaxCurrent": 0}}, (RateUnit.A, None)),
        ({"acChargingParameters": {"evMaxCurrent": -5}}, (RateUnit.A, None)),
        ({"v2xChargingParameters": {"maxChargePower": Decimal("1e30")}}, (RateUnit.W, None)),
    ],
)
def test_figures_of_a_car_are_read_and_absurd_ones_are_none(told: dict[str, Any], wanted: tuple[Any, Any]) -> None:
    needs = read_needs(told)
    assert needs is not None
    assert (needs.unit, needs.most) == wanted


def test_a_car_that_states_nothing_states_nothing() -> None:
    assert read_needs({"requestedEnergyTransfer": "DC"}) is None


@pytest.mark.parametrize(
    ("departure", "ahead_s"),
    [
        (None, AHEAD_S),
        (NOW + timedelta(hours=2), 7200),
        (NOW - timedelta(hours=2), MIN_AHEAD_S),
        (NOW + timedelta(days=9), AHEAD_S),
        (NOW.replace(tzinfo=None), AHEAD_S),
    ],
)
def test_a_schedule_reaches_to_the_departure_within_reason(departure: datetime | None, ahead_s: int) -> None:
    assert Needs(RateUnit.A, None, None, departure).ahead_s(NOW) == ahead_s


def test_a_plan_is_above_its_limits_from_the_second_it_is() -> None:
    found = limits((0, 16), (600, 10))

    def above(*steps: tuple[int, int], duration_s: int | None = None) -> int | None:
        periods = tuple(Period(start_s=at, limit=Decimal(limit)) for at, limit in steps)
        return exceeds(Schedule(unit=RateUnit.A, periods=periods, duration_s=duration_s), NOW, found)

    assert above((0, 16), (600, 10)) is None
    assert above((0, 17)) == 0
    assert above((0, 12)) == 600
    assert above((0, 12), duration_s=600) is None, "it is over before the limit falls"
    assert above((0, 10), (900, 11)) == 900


def test_needs_in_another_unit_are_rounded_down() -> None:
    assert Needs(RateUnit.W, Decimal(10_000)).within(RateUnit.A, Electrics()).most == Decimal("14.4")
    assert Needs(RateUnit.W, None).within(RateUnit.A, Electrics()).unit is RateUnit.A
