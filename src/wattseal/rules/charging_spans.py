"""When the periods of a charging profile apply: occurrences, validity and local time, in whole seconds of Unix time.

Daylight saving: schedules recur every 24 hours or 7 days of UTC, unless they are in local time (2.1 `useLocalTime`,
K01.FR.90 and 91): then every boundary is a clock reading of the station's zone. A reading that a change of clocks
skips is taken as if the change were not there yet, one that comes twice is the first of both.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from wattseal.base.errors import LimitError
from wattseal.model.charging import Period, Profile, ProfileKind, Recurrency, Schedule

DAY_S, WEEK_S = 86_400, 604_800
MAX_WINDOW_S = 31 * DAY_S
"""Schedules are computed for at most so long."""
MAX_SPANS = 5000
"""Periods, repeated ones counted each time, that a window may hold."""
_STEP_S = {Recurrency.DAILY: DAY_S, Recurrency.WEEKLY: WEEK_S}


@dataclass(frozen=True, slots=True)
class Window:
    """The time looked at: from `start` on for `duration_s`, in Unix seconds."""

    start: int
    duration_s: int

    @property
    def end(self) -> int:
        """Return its first second outside."""
        return self.start + self.duration_s


@dataclass(frozen=True, slots=True)
class Span:
    """A period of a schedule and when it applies, `end` excluded."""

    start: int
    end: int
    period: Period


@dataclass(frozen=True, slots=True)
class Anchors:
    """What a schedule's start may refer to: when charging began, when the profile was installed, the local zone."""

    began: int
    installed: int
    zone: tzinfo = UTC


def seconds(at: datetime) -> int:
    """Return whole Unix seconds, rounded down."""
    return math.floor(at.timestamp())


def spans(profile: Profile, schedule: Schedule, window: Window, anchors: Anchors) -> tuple[Span, ...]:
    """Return the periods that apply in the window, in order, cut to it and to the profile's validity (K01.FR.36, 37).

    `LimitError` where there are more than `MAX_SPANS`.
    """
    first = window.start if profile.valid_from is None else max(window.start, seconds(profile.valid_from))
    last = window.end if profile.valid_to is None else min(window.end, seconds(profile.valid_to))
    found: list[Span] = []
    for begin, end in _occurrences(profile, schedule, window, anchors):
        for span in _periods(schedule, begin, end, anchors):
            start, stop = max(span.start, first), min(span.end, last)
            if start < stop:
                found.append(Span(start, stop, span.period))
            if len(found) > MAX_SPANS:
                raise LimitError(f"at most {MAX_SPANS} periods at once; ask for less time", subject="duration")
    return tuple(sorted(found, key=lambda span: span.start))


def _occurrences(
    profile: Profile, schedule: Schedule, window: Window, anchors: Anchors
) -> Iterator[tuple[int, int | None]]:
    """Yield the beginnings of the schedule and their ends, as clock readings where it is in local time."""
    begin = anchors.began if schedule.start is None else seconds(schedule.start)
    if profile.kind is ProfileKind.DYNAMIC and schedule.start is None:
        begin = anchors.installed
    if profile.kind is ProfileKind.RELATIVE:
        begin = anchors.began
    if profile.kind is not ProfileKind.RECURRING or profile.recurrency is None:
        yield begin, None if schedule.duration_s is None else begin + schedule.duration_s
        return
    step = _STEP_S[profile.recurrency]
    lasts = step if schedule.duration_s is None else min(step, schedule.duration_s)
    number = max(0, (window.start - DAY_S - begin) // step)
    while (start := begin + number * step) < window.end + DAY_S:
        yield start, start + lasts
        number += 1


def _periods(schedule: Schedule, begin: int, end: int | None, anchors: Anchors) -> Iterator[Span]:
    """Yield one occurrence's periods; each lasts until the next one or the end of the schedule (K01.FR.11, 12)."""
    periods = schedule.periods
    for place, period in enumerate(periods):
        start = begin + period.start_s
        stop = begin + periods[place + 1].start_s if place + 1 < len(periods) else end
        if end is not None:
            stop = end if stop is None else min(stop, end)
        if schedule.local_time:
            start, stop = _instant(start, anchors.zone), None if stop is None else _instant(stop, anchors.zone)
        yield Span(start, _FOREVER if stop is None else stop, period)


_FOREVER, _FAR = 2**53, 2**37


def _instant(reading: int, zone: tzinfo) -> int:
    """Return the instant at which clocks in `zone` show a reading; far off it makes no difference."""
    if not 0 <= reading < _FAR:
        return reading
    return seconds(datetime.fromtimestamp(reading, UTC).replace(tzinfo=zone))
