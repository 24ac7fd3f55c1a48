"""Steps of a clock: where hours, days, weeks and months begin in a time zone."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from wattseal.base.errors import InputError
from wattseal.model.revenue import StepSize
from wattseal.model.rollup import QUARTER_MS

MAX_STEPS = 2400
"""Steps of one answer: 100 days of hours."""
HOUR_S = 3600


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone; `InputError` where there is none of that name."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        text = "there is no such time zone; give an IANA name such as Europe/Berlin"
        raise InputError(text, code="bad_time_zone", subject="zone") from error


def step_bounds(from_ms: int, to_ms: int, zone: ZoneInfo, size: StepSize) -> tuple[int, ...]:
    """Return `from_ms`, every begin of a step between, and `to_ms`.

    `InputError` where the ends are not on quarters of an hour, in the wrong order, or too far apart for such steps.
    """
    if from_ms % QUARTER_MS or to_ms % QUARTER_MS or not 0 <= from_ms < to_ms <= _LATEST_MS:
        text = "give a time from which and a later one to which, each on a full quarter of an hour"
        raise InputError(text, code="bad_period", subject="from")
    bounds = [from_ms]
    while (bound := _next(bounds[-1], zone, size)) < to_ms:
        bounds.append(bound)
        if len(bounds) > MAX_STEPS or bound % QUARTER_MS:
            text = f"no more than {MAX_STEPS} steps, each on a quarter of an hour, are added up; ask for longer steps"
            raise InputError(text, code="too_many_steps", subject="step")
    return (*bounds, to_ms)


def period_before(from_ms: int, to_ms: int, zone: ZoneInfo) -> int:
    """Return where the stretch just before begins: as many months or days earlier, by the clock, where it is those."""
    begin, end = _local(from_ms, zone), _local(to_ms, zone)
    if begin.time() == end.time() == time():
        if begin.day == end.day == 1:
            months = (begin.year - end.year + begin.year) * 12 + begin.month - end.month + begin.month - 1
            return max(0, _midnight_ms(date(months // 12, months % 12 + 1, 1), zone))
        return max(0, _midnight_ms(begin.date() - (end.date() - begin.date()), zone))
    return max(0, from_ms - (to_ms - from_ms))


_LATEST_MS = 4_102_444_800_000
"""The year 2100."""


def _next(ms: int, zone: ZoneInfo, size: StepSize) -> int:
    local = _local(ms, zone)
    if size is StepSize.HOUR:
        return ms + (HOUR_S - local.minute * 60 - local.second) * 1000
    return _midnight_ms(_next_day(local.date(), size), zone)


def _local(ms: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone(zone)


def _midnight_ms(day: date, zone: ZoneInfo) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() * 1000)


def _next_day(today: date, size: StepSize) -> date:
    """Return the first day of the next step."""
    if size is StepSize.MONTH:
        return date(today.year + today.month // 12, today.month % 12 + 1, 1)
    days = 7 - today.weekday() if size is StepSize.WEEK else 1
    return today + timedelta(days=days)
