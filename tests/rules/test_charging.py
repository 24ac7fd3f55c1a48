"""Composite schedules: the specification's examples, and what holds for any profiles."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.examples import examples

from wattseal.base.errors import InputError, LimitError
from wattseal.model.charging import Period, Profile, ProfileKind, Purpose, RateUnit, Recurrency, Schedule
from wattseal.rules.charging import Charging, Circumstances, Installed, composite
from wattseal.rules.charging_checks import Floor, check_conflicts, check_floor, check_profile
from wattseal.rules.charging_differs import differences
from wattseal.rules.charging_rates import Electrics, convert
from wattseal.rules.charging_spans import DAY_S, MAX_WINDOW_S, Window, seconds

W, A = RateUnit.W, RateUnit.A
MONDAY = datetime(2020, 1, 6, tzinfo=UTC)
HOUR = 3600


def periods(*steps: tuple[int, int | str], phases: int | None = None) -> tuple[Period, ...]:
    return tuple(Period(start_s=start, limit=Decimal(limit), phases=phases) for start, limit in steps)


def profile(
    purpose: Purpose,
    *steps: tuple[int, int | str],
    level: int = 0,
    number: int = 1,
    kind: ProfileKind = ProfileKind.ABSOLUTE,
    unit: RateUnit = W,
    start: datetime | None = MONDAY,
    duration_s: int | None = None,
    phases: int | None = None,
    **more: Any,
) -> Profile:
    schedule = Schedule(unit=unit, periods=periods(*steps, phases=phases), start=start, duration_s=duration_s)
    return Profile(id=number, stack_level=level, purpose=purpose, kind=kind, schedules=(schedule,), **more)


def at(evse_id: int, one: Profile) -> Installed:
    return Installed(evse_id, one, MONDAY)


def limits(
    installed: Sequence[Installed],
    start: datetime,
    duration_s: int,
    unit: RateUnit = W,
    where: Circumstances | None = None,
    *,
    evse_id: int = 1,
) -> list[tuple[int, Decimal | None]]:
    window = Window(seconds(start), duration_s)
    found = composite(installed, evse_id, window, unit, where or Circumstances())
    return [(period.start_s, period.limit) for period in found.periods]


def numbers(*steps: tuple[int, int | str | None]) -> list[tuple[int, Decimal | None]]:
    return [(start, None if limit is None else Decimal(limit)) for start, limit in steps]


DAILY: dict[str, Any] = {"kind": ProfileKind.RECURRING, "recurrency": Recurrency.DAILY}
WEEKLY: dict[str, Any] = {"kind": ProfileKind.RECURRING, "recurrency": Recurrency.WEEKLY}


def test_a_default_profile_of_every_day_limits_the_hours_it_names() -> None:
    daily = profile(
        Purpose.TX_DEFAULT, (0, 11000), (28800, 6000), (72000, 11000), start=MONDAY, duration_s=DAY_S, phases=3, **DAILY
    )
    found = limits([at(0, daily)], MONDAY + timedelta(days=3, hours=7), DAY_S)
    assert found == numbers((0, 11000), (HOUR, 6000), (13 * HOUR, 11000))


def test_sundays_and_christmas_are_stacked_over_the_hours_of_every_day() -> None:
    evenings = profile(
        Purpose.TX_DEFAULT,
        (0, 2000),
        level=1,
        number=10,
        start=datetime(2020, 1, 9, 17, tzinfo=UTC),
        duration_s=3 * HOUR,
        **DAILY,
    )
    sundays = profile(
        Purpose.TX_DEFAULT,
        (0, 999999),
        level=2,
        number=11,
        start=datetime(2020, 1, 5, tzinfo=UTC),
        duration_s=DAY_S,
        **WEEKLY,
    )
    christmas = profile(
        Purpose.TX_DEFAULT,
        (0, 999999),
        level=3,
        number=12,
        start=datetime(2020, 12, 25, tzinfo=UTC),
        duration_s=DAY_S,
        valid_from=datetime(2020, 1, 1, tzinfo=UTC),
        valid_to=datetime(2021, 1, 1, tzinfo=UTC),
    )
    stack = [at(0, evenings), at(0, sundays), at(0, christmas)]
    weekday, sunday = datetime(2020, 12, 23, 12, tzinfo=UTC), datetime(2020, 12, 27, 12, tzinfo=UTC)
    assert limits(stack, weekday, 10 * HOUR) == numbers((0, None), (5 * HOUR, 2000), (8 * HOUR, None))
    assert limits(stack, sunday, 10 * HOUR) == numbers((0, 999999))
    assert limits(stack, datetime(2020, 12, 25, 12, tzinfo=UTC), 10 * HOUR) == numbers((0, 999999))
    before = datetime(2020, 1, 8, 12, tzinfo=UTC)
    assert limits(stack, before, 10 * HOUR) == numbers((0, None)), "nothing recurs before it first began"


RUNNING = Circumstances({1: Charging("tx", MONDAY + timedelta(hours=1))}, (1, 2))


def test_a_transactions_profile_overrules_the_default_until_it_expires() -> None:
    default = profile(Purpose.TX_DEFAULT, (0, 5000), level=9)
    mine = profile(Purpose.TX, (0, 9000), number=2, duration_s=2 * HOUR, transaction_id="tx")
    others = profile(Purpose.TX, (0, 1000), number=3, level=5, transaction_id="another")
    stack = [at(1, default), at(1, mine), at(1, others)]
    assert limits(stack, MONDAY, 4 * HOUR, where=RUNNING) == numbers((0, 9000), (2 * HOUR, 5000))
    assert limits(stack, MONDAY, 4 * HOUR) == numbers((0, 5000)), "as if a transaction began without a profile"


def test_the_stations_maximum_and_outside_limits_are_caps_and_local_generation_comes_on_top() -> None:
    stack = [
        at(1, profile(Purpose.TX_DEFAULT, (0, 9000))),
        at(0, profile(Purpose.STATION_MAX, (0, 8000), number=2)),
        at(1, profile(Purpose.EXTERNAL, (HOUR, 5000), number=3)),
    ]
    assert limits(stack, MONDAY, 2 * HOUR) == numbers((0, 8000), (HOUR, 5000))
    sun = at(0, profile(Purpose.LOCAL_GENERATION, (0, 2000), (HOUR, 1000), number=4))
    assert limits([*stack, sun], MONDAY, 2 * HOUR) == numbers((0, 10000), (HOUR, 6000))


def test_a_relative_schedule_begins_with_its_transaction() -> None:
    relative = profile(
        Purpose.TX,
        (0, 3000),
        (HOUR, 6000),
        kind=ProfileKind.RELATIVE,
        start=None,
        transaction_id="tx",
    )
    assert limits([at(1, relative)], MONDAY + timedelta(hours=1, minutes=30), HOUR, where=RUNNING) == numbers(
        (0, 3000), (1800, 6000)
    )
    default = profile(Purpose.TX_DEFAULT, (0, 3000), (HOUR, 6000), kind=ProfileKind.RELATIVE, start=None)
    assert limits([at(2, default)], MONDAY, 2 * HOUR, evse_id=2) == numbers((0, 3000), (HOUR, 6000))


def test_priority_charging_overrules_the_transactions_profile_only_while_it_is_on() -> None:
    stack = [
        at(1, profile(Purpose.TX, (0, 3000), transaction_id="tx")),
        at(0, profile(Purpose.PRIORITY, (0, 20000), number=2)),
        at(0, profile(Purpose.STATION_MAX, (0, 11000), number=3)),
    ]
    assert limits(stack, MONDAY, HOUR, where=RUNNING) == numbers((0, 3000))
    urgent = Circumstances({1: replace(RUNNING.charging[1], priority=True)})
    assert limits(stack, MONDAY, HOUR, where=urgent) == numbers((0, 11000))


def test_units_are_converted_with_the_phases_that_are_used_and_never_upwards() -> None:
    stack = [
        at(0, profile(Purpose.STATION_MAX, (0, 16), unit=A)),
        at(1, profile(Purpose.TX_DEFAULT, (0, 10000), number=2, phases=1)),
    ]
    assert limits(stack, MONDAY, HOUR, W) == numbers((0, 16 * 230)), "16 A of one phase, whatever the watts say"
    assert limits(stack, MONDAY, HOUR, A) == numbers((0, 16))
    assert convert(Decimal(10000), W, A, Electrics(), 3) == Decimal("14.4")


def test_an_asymmetric_limit_counts_by_its_lowest_phase() -> None:
    period = Period(start_s=0, limit=Decimal(16), limit_l2=Decimal(10), limit_l3=Decimal(12))
    uneven = replace(
        profile(Purpose.TX_DEFAULT, (0, 1)), schedules=(Schedule(unit=A, periods=(period,), start=MONDAY),)
    )
    assert limits([at(1, uneven)], MONDAY, HOUR, A) == numbers((0, 10))


def test_the_station_as_a_whole_is_limited_by_its_maximum_and_by_the_sum_of_its_evses() -> None:
    stack = [
        at(0, profile(Purpose.STATION_MAX, (0, 20000), (HOUR, 5000))),
        at(1, profile(Purpose.TX_DEFAULT, (0, 7000))),
    ]
    both = [*stack, at(2, profile(Purpose.TX_DEFAULT, (0, 6000), number=2))]
    assert limits(stack, MONDAY, 2 * HOUR, where=RUNNING, evse_id=0) == numbers((0, 20000), (HOUR, 5000))
    assert limits(both, MONDAY, 2 * HOUR, where=RUNNING, evse_id=0) == numbers((0, 13000), (HOUR, 5000))


def test_a_setpoint_stays_within_the_limits_and_the_least_energy_wins() -> None:
    def point(purpose: Purpose, number: int, **fields: Any) -> Installed:
        schedule = Schedule(unit=W, periods=(Period(start_s=0, **fields),), start=MONDAY)
        plain = profile(purpose, (0, 1), number=number, transaction_id="tx" if purpose is Purpose.TX else None)
        return at(1, replace(plain, schedules=(schedule,)))

    mine = point(Purpose.TX, 1, limit=Decimal(9000), discharge_limit=Decimal(-4000), setpoint=Decimal(-6000))
    window = Window(seconds(MONDAY), HOUR)
    found = composite([mine], 1, window, W, RUNNING).periods[0]
    assert (found.setpoint, found.discharge_limit) == (Decimal(-4000), Decimal(-4000))
    grid = point(Purpose.EXTERNAL, 2, setpoint=Decimal(-1000))
    assert composite([mine, grid], 1, window, W, RUNNING).periods[0].setpoint == Decimal(-1000)
    against = point(Purpose.EXTERNAL, 2, setpoint=Decimal(1000))
    assert composite([mine, against], 1, window, W, RUNNING).periods[0].setpoint == Decimal(0)


def test_schedules_in_local_time_follow_the_clocks_of_the_station() -> None:
    zone = ZoneInfo("Europe/Berlin")
    plain = profile(Purpose.TX_DEFAULT, (0, 2000), start=datetime(2024, 1, 1, 17, tzinfo=UTC), duration_s=HOUR, **DAILY)
    local = replace(plain, schedules=(replace(plain.schedules[0], local_time=True),))
    winter, summer = datetime(2024, 3, 30, 12, tzinfo=UTC), datetime(2024, 3, 31, 12, tzinfo=UTC)
    where = Circumstances(zone=zone)
    assert limits([at(1, local)], winter, 8 * HOUR, where=where) == numbers(
        (0, None), (4 * HOUR, 2000), (5 * HOUR, None)
    )
    assert limits([at(1, local)], summer, 8 * HOUR, where=where) == numbers(
        (0, None), (3 * HOUR, 2000), (4 * HOUR, None)
    )
    assert limits([at(1, plain)], summer, 8 * HOUR) == numbers((0, None), (5 * HOUR, 2000), (6 * HOUR, None))


def test_too_long_a_window_and_too_many_periods_are_refused() -> None:
    with pytest.raises(LimitError):
        limits([], MONDAY, MAX_WINDOW_S + 1)
    fine = [profile(Purpose.TX_DEFAULT, *((s * 60, s + 1) for s in range(1000)), number=n, level=n) for n in range(6)]
    with pytest.raises(LimitError):
        limits([at(1, one) for one in fine], MONDAY, 3 * DAY_S)


PURPOSES = [Purpose.TX, Purpose.TX_DEFAULT, Purpose.STATION_MAX, Purpose.EXTERNAL]
MINUTES = st.integers(0, 36 * 60)


@st.composite
def some_profiles(draw: st.DrawFn) -> list[Installed]:
    found = []
    for number in range(draw(st.integers(1, 6))):
        purpose = draw(st.sampled_from(PURPOSES))
        starts = sorted(draw(st.sets(MINUTES, max_size=3)) | {0})
        recurring = draw(st.booleans())
        lasts = draw(st.none() | st.integers(1, 30 * 60))
        one = profile(
            purpose,
            *((minute * 60, draw(st.integers(1, 60)) * (1 if index % 2 else 2)) for index, minute in enumerate(starts)),
            level=number,
            number=number,
            unit=draw(st.sampled_from([A, W])),
            kind=ProfileKind.RECURRING if recurring else ProfileKind.ABSOLUTE,
            recurrency=Recurrency.DAILY if recurring else None,
            start=MONDAY + timedelta(minutes=draw(MINUTES)),
            duration_s=None if lasts is None else lasts * 60,
            phases=draw(st.none() | st.integers(1, 3)),
            valid_to=draw(st.none() | st.just(MONDAY + timedelta(hours=20))),
            transaction_id="tx" if purpose is Purpose.TX else None,
        )
        found.append(at(0 if purpose is Purpose.STATION_MAX else draw(st.sampled_from([0, 1])), one))
    return found


def value(steps: list[tuple[int, Decimal | None]], moment: int) -> Decimal | None:
    return [limit for start, limit in steps if start <= moment][-1]


@settings(max_examples=examples(60))
@given(some_profiles(), st.sampled_from([A, W]), st.integers(0, 47 * 60))
def test_the_result_is_never_above_a_cap_in_its_own_unit(stack: list[Installed], unit: RateUnit, minute: int) -> None:
    whole = limits(stack, MONDAY, 2 * DAY_S, unit, RUNNING)
    result = value(whole, minute * 60)
    for cap in (Purpose.STATION_MAX, Purpose.EXTERNAL):
        alone = [one for one in stack if one.profile.purpose is cap]
        if any(one.profile.schedules[0].unit is not unit for one in alone):
            continue
        limit = value(limits(alone, MONDAY, 2 * DAY_S, unit, RUNNING), minute * 60)
        if limit is not None:
            assert result is not None
            assert result <= limit


@settings(max_examples=examples(60))
@given(some_profiles(), st.integers(1, 2 * DAY_S - 1), st.integers(0, 47 * 60))
def test_splitting_the_window_changes_nothing(stack: list[Installed], cut: int, minute: int) -> None:
    moment = minute * 60
    whole = limits(stack, MONDAY, 2 * DAY_S, W, RUNNING)
    if moment < cut:
        part = value(limits(stack, MONDAY, cut, W, RUNNING), moment)
    else:
        part = value(limits(stack, MONDAY + timedelta(seconds=cut), 2 * DAY_S - cut, W, RUNNING), moment - cut)
    assert value(whole, moment) == part


@settings(max_examples=examples(40))
@given(some_profiles(), st.randoms())
def test_the_order_of_installing_is_irrelevant(stack: list[Installed], random: Any) -> None:
    mixed = list(stack)
    random.shuffle(mixed)
    assert limits(stack, MONDAY, 2 * DAY_S, W, RUNNING) == limits(mixed, MONDAY, 2 * DAY_S, W, RUNNING)


GOOD = profile(Purpose.TX_DEFAULT, (0, 16), unit=A)


def changed(**fields: Any) -> Profile:
    schedule = {"periods", "start", "duration_s", "random_delay_s"}
    inner = replace(GOOD.schedules[0], **{k: v for k, v in fields.items() if k in schedule})
    return replace(GOOD, schedules=(inner,), **{k: v for k, v in fields.items() if k not in schedule})


BAD = {
    "tx_profile_needs_evse": (0, changed(purpose=Purpose.TX, transaction_id="tx")),
    "tx_profile_needs_transaction": (1, changed(purpose=Purpose.TX)),
    "max_profile_is_the_stations": (1, changed(purpose=Purpose.STATION_MAX)),
    "max_profile_relative": (0, changed(purpose=Purpose.STATION_MAX, kind=ProfileKind.RELATIVE, start=None)),
    "purpose_not_ours": (1, changed(purpose=Purpose.EXTERNAL)),
    "priority_has_duration": (1, changed(purpose=Purpose.PRIORITY, duration_s=60)),
    "start_missing": (1, changed(start=None)),
    "start_in_relative": (1, changed(kind=ProfileKind.RELATIVE)),
    "recurrency": (1, changed(kind=ProfileKind.RECURRING)),
    "update_interval": (1, changed(update_interval_s=60)),
    "stack_level": (1, changed(stack_level=-1)),
    "first_period": (1, changed(periods=periods((60, 16)))),
    "period_order": (1, changed(periods=periods((0, 16), (60, 10), (60, 8)))),
    "duration": (1, changed(duration_s=0)),
    "random_delay": (0, changed(purpose=Purpose.STATION_MAX, random_delay_s=60)),
    "purpose_charges_only": (
        0,
        changed(purpose=Purpose.STATION_MAX, periods=(Period(start_s=0, limit=Decimal(16), mode="CentralSetpoint"),)),
    ),
    "frequency_curve": (1, changed(periods=(Period(start_s=0, limit=Decimal(16), mode="LocalFrequency"),))),
    "negative_limit": (1, changed(periods=periods((0, -1)))),
    "phase_to_use": (1, changed(periods=(Period(start_s=0, limit=Decimal(16), phases=3, phase=2),))),
    "number_phases": (1, changed(periods=periods((0, 16), phases=4))),
    "dynamic_has_one_period": (1, changed(kind=ProfileKind.DYNAMIC, periods=periods((0, 16), (60, 8)))),
}


@pytest.mark.parametrize("code", BAD)
def test_what_a_csms_may_not_send_is_refused_by_name(code: str) -> None:
    evse_id, bad = BAD[code]
    with pytest.raises(InputError) as refused:
        check_profile(bad, evse_id, ocpp16=False)
    assert refused.value.code == code


def test_power_that_follows_the_grids_frequency_has_a_curve_and_no_limit() -> None:
    curve = [{"frequency": 49.8, "power": -1000}, {"frequency": 50.2, "power": 1000}]
    more = {"v2xBaseline": 0, "v2xFreqWattCurve": curve}
    check_profile(changed(periods=(Period(start_s=0, mode="LocalFrequency", more=more),)), 1, ocpp16=False)


def test_a_limit_below_the_floor_is_refused_in_either_unit() -> None:
    check_floor(GOOD, Floor())
    for unit, limit in ((A, "5.9"), (A, 0), (W, 1379), (W, 0)):
        with pytest.raises(InputError, match="stops charging"):
            check_floor(profile(Purpose.TX_DEFAULT, (0, 99999), (60, limit), unit=unit), Floor())


def test_two_profiles_of_one_level_and_purpose_are_in_each_others_way_unless_their_times_differ() -> None:
    there = [at(1, GOOD)]
    check_conflicts(GOOD, 1, there)
    check_conflicts(replace(GOOD, id=2, stack_level=1), 1, there)
    check_conflicts(replace(GOOD, id=2), 2, there)
    for evse_id in (0, 1):
        with pytest.raises(InputError, match="stack level"):
            check_conflicts(replace(GOOD, id=2), evse_id, there)
    until = replace(GOOD, valid_to=MONDAY)
    check_conflicts(replace(GOOD, id=2, valid_from=MONDAY), 1, [at(1, until)])
    mine = profile(Purpose.TX, (0, 16), transaction_id="tx")
    check_conflicts(replace(mine, id=2, transaction_id="other"), 1, [at(1, mine)])
    with pytest.raises(InputError, match="stack level"):
        check_conflicts(replace(mine, id=2), 2, [at(1, mine)])


def test_a_station_that_allows_more_than_its_profiles_is_told_from_one_that_allows_less() -> None:
    window = Window(seconds(MONDAY), 2 * HOUR)
    ours = composite([at(1, profile(Purpose.TX_DEFAULT, (0, 11000), (HOUR, 5000)))], 1, window, W, Circumstances())
    told = replace(ours, unit=A, periods=periods((0, "15.9"), (HOUR, "7.2"), phases=3))
    assert differences(ours, told, Electrics()) == ()
    later = replace(told, start=MONDAY + timedelta(seconds=3), periods=periods((0, 16), (HOUR, 16), phases=3))
    (above,) = differences(ours, later, Electrics())
    assert (above.start_s, above.above, above.theirs) == (HOUR + 3, True, Decimal(11040))
    (less,) = differences(ours, replace(told, periods=periods((0, 6), (HOUR, 6), phases=3)), Electrics())[:1]
    assert not less.above
