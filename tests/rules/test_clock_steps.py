from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattseal.base.errors import InputError
from wattseal.model.revenue import StepSize
from wattseal.model.rollup import QUARTER_MS
from wattseal.rules.clock_steps import MAX_STEPS, period_before, step_bounds, zone_of
from wattseal.rules.rollup_spans import hours_and_days, quarters

BERLIN, HAVANA, CAIRO = (ZoneInfo(name) for name in ("Europe/Berlin", "America/Havana", "Africa/Cairo"))
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/St_Johns",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/Havana",
    "Africa/Cairo",
)


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def test_a_day_has_the_hours_its_clock_gives_it() -> None:
    bounds = step_bounds(ms("2026-10-23T22:00Z"), ms("2026-10-26T23:00Z"), BERLIN, StepSize.DAY)
    assert [(until - since) // 3_600_000 for since, until in pairwise(bounds)] == [24, 25, 24]


def test_days_begin_where_the_clock_skips_midnight_or_has_it_twice() -> None:
    spring = step_bounds(ms("2026-04-23T12:00Z"), ms("2026-04-25T12:00Z"), CAIRO, StepSize.DAY)
    assert spring[1:-1] == (ms("2026-04-23T22:00Z"), ms("2026-04-24T21:00Z"))
    autumn = step_bounds(ms("2026-10-31T12:00Z"), ms("2026-11-02T12:00Z"), HAVANA, StepSize.DAY)
    assert autumn[1:-1] == (ms("2026-11-01T04:00Z"), ms("2026-11-02T05:00Z"))


def test_weeks_begin_on_monday_and_months_on_the_first() -> None:
    weeks = step_bounds(ms("2026-11-04T00:00+01:00"), ms("2026-11-18T00:00+01:00"), BERLIN, StepSize.WEEK)
    assert weeks[1:-1] == (ms("2026-11-09T00:00+01:00"), ms("2026-11-16T00:00+01:00"))
    months = step_bounds(ms("2026-12-01T00:00+01:00"), ms("2027-02-01T00:00+01:00"), BERLIN, StepSize.MONTH)
    assert months[1:-1] == (ms("2027-01-01T00:00+01:00"),)


@pytest.mark.parametrize(
    ("since", "until", "before"),
    [
        ("2026-11-01T00:00+01:00", "2026-12-01T00:00+01:00", "2026-10-01T00:00+02:00"),
        ("2026-01-01T00:00+01:00", "2026-04-01T00:00+02:00", "2025-10-01T00:00+02:00"),
        ("2026-10-26T00:00+01:00", "2026-11-02T00:00+01:00", "2026-10-19T00:00+02:00"),
        ("2026-11-03T10:00+01:00", "2026-11-03T12:00+01:00", "2026-11-03T08:00+01:00"),
        ("1970-01-02T00:00+01:00", "1970-01-09T00:00+01:00", "1970-01-01T00:00+00:00"),
    ],
)
def test_the_stretch_before_is_as_many_months_or_days_or_hours(since: str, until: str, before: str) -> None:
    assert period_before(ms(since), ms(until), BERLIN) == ms(before)


def test_what_cannot_be_asked_for_is_said() -> None:
    hour = 4 * QUARTER_MS
    for since, until in ((1, hour), (0, 1), (hour, hour), (hour, 0), (-hour, hour), (0, 10**18)):
        with pytest.raises(InputError) as refused:
            step_bounds(since, until, BERLIN, StepSize.DAY)
        assert refused.value.code == "bad_period"
    with pytest.raises(InputError) as many:
        step_bounds(0, (MAX_STEPS + 1) * hour, BERLIN, StepSize.HOUR)
    assert many.value.code == "too_many_steps"
    assert len(step_bounds(0, MAX_STEPS * hour, BERLIN, StepSize.HOUR)) == MAX_STEPS + 1
    for name in ("Mars/Olympus", "", "../etc/passwd", "Europe"):
        with pytest.raises(InputError) as nowhere:
            zone_of(name)
        assert nowhere.value.code == "bad_time_zone"


@given(st.sampled_from(ZONES), st.integers(0, 1_000_000), st.integers(1, 5000), st.sampled_from(StepSize))
def test_steps_follow_each_other_and_begin_by_the_clock(zone: str, start: int, length: int, size: StepSize) -> None:
    since = 1_000_000_000_000 // QUARTER_MS * QUARTER_MS + start * QUARTER_MS
    until = since + length * QUARTER_MS
    bounds = step_bounds(since, until, ZoneInfo(zone), size)
    assert (bounds[0], bounds[-1]) == (since, until)
    assert all(one < other for one, other in pairwise(bounds))
    for bound in bounds[1:-1]:
        local = datetime.fromtimestamp(bound / 1000, UTC).astimezone(ZoneInfo(zone))
        just_before = (datetime.fromtimestamp(bound / 1000, UTC) - timedelta(seconds=1)).astimezone(ZoneInfo(zone))
        assert local.second == 0
        if size is StepSize.HOUR:
            assert just_before.hour != local.hour or just_before.minute == 59
        else:
            assert just_before.date() < local.date()
        if size is StepSize.WEEK:
            assert local.weekday() == 0
        if size is StepSize.MONTH:
            assert local.day == 1


@given(st.lists(st.integers(0, 96 * 400), min_size=2, max_size=30, unique=True))
def test_spans_of_hours_and_days_cover_each_hour_of_a_step_once(hours: list[int]) -> None:
    bounds = [hour * 4 for hour in sorted(hours)]
    covered: dict[tuple[int, int], int] = {}
    for step, sign, width, since, until in hours_and_days(bounds):
        assert since < until
        assert since % width == until % width == 0
        for hour in range(since, until, 4):
            covered[step, hour] = covered.get((step, hour), 0) + sign
    expected = {(step, hour): 1 for step, span in enumerate(pairwise(bounds)) for hour in range(*span, 4)}
    assert {place: count for place, count in covered.items() if count} == expected


def test_ninety_days_of_another_zone_are_read_in_few_sums() -> None:
    days = step_bounds(ms("2026-08-31T22:00Z"), ms("2026-11-29T23:00Z"), BERLIN, StepSize.DAY)
    spans = hours_and_days([bound // QUARTER_MS for bound in days])
    read = sum((until - since) // width for _, _, width, since, until in spans)
    assert read < 90 * 6
    assert sum(until - since for _, _, _, since, until in quarters([b // QUARTER_MS for b in days])) > 90 * 95
