"""Moments at which a tariff may change: by wall clock in the station's zone, exact on days of 23 and 25 hours.

Durations are differences of UTC times. Restrictions are read off the local wall clock. A wall time that a day has twice
is such a moment twice; one that a day skips is passed when the clock jumps.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from wattseal.pricing.terms import MIDNIGHT, Terms

MAX_SPAN_MS = 400 * 86_400_000
"""Longer sessions are not priced: no car charges for more than a year, clocks jump."""
MAX_WORK = 500_000
"""Conditions looked at, at most, for one price: who writes a tariff does not decide how long others compute."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_DAY = timedelta(days=1)
_MAX_MS = 2**47


def at(ms: int) -> datetime:
    """Return Unix milliseconds as an aware UTC time."""
    return _EPOCH + timedelta(milliseconds=ms)


def milliseconds(moment: datetime) -> int:
    """Return an aware time in Unix milliseconds; what is finer is cut off."""
    return (moment - _EPOCH) // _MILLISECOND


def zone_of(name: str) -> tzinfo | None:
    """Return the time zone of an IANA name, None where nobody here knows it."""
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def in_span(start_ms: int, end_ms: int) -> bool:
    """Return whether a session from start to end is of a time and length that are priced."""
    return 0 <= start_ms <= end_ms < _MAX_MS and end_ms - start_ms <= MAX_SPAN_MS


def too_much(terms: Terms, stretches: int, start_ms: int, end_ms: int) -> bool:
    """Return whether a session of so many stretches would take more than `MAX_WORK` under these terms."""
    days = (end_ms - start_ms) // (_DAY // _MILLISECOND) + 2 if terms.by_clock else 0
    moments = days * 2 * (len(terms.walls) + 1) + len(terms.ages_ms) + stretches
    return moments * len(terms.conditions) > MAX_WORK


def changes(terms: Terms, zone: tzinfo, begun_ms: int, start_ms: int, end_ms: int) -> list[int]:
    """Return all moments after `start_ms` and before `end_ms` at which conditions may change, in order.

    `begun_ms` is when the session began: ages count from there. Between two of them nothing changes by the clock.
    """
    found = {begun_ms + age for age in terms.ages_ms}
    if terms.by_clock:
        found |= _wall_changes(terms, zone, start_ms, end_ms)
    return sorted(ms for ms in found if start_ms < ms < end_ms)


def _wall_changes(terms: Terms, zone: tzinfo, start_ms: int, end_ms: int) -> set[int]:
    walls = {MIDNIGHT, *terms.walls}
    start, end = at(start_ms).astimezone(zone), at(end_ms).astimezone(zone)
    found: set[int] = set()
    for number in range((end.date() - start.date()).days + 1):
        day = start.date() + number * _DAY
        for wall in walls:
            once = datetime.combine(day, wall, zone)
            again = once.replace(fold=1)
            found.add(milliseconds(once))
            if again.utcoffset() != once.utcoffset():
                found.add(milliseconds(again))
    return found | _jumps(zone, start_ms, end_ms)


def _jumps(zone: tzinfo, start_ms: int, end_ms: int) -> set[int]:
    """Return when the offset from UTC changes: daylight saving time begins or ends."""
    found: set[int] = set()
    step = _DAY // _MILLISECOND
    before = start_ms
    while before < end_ms:
        after = min(before + step, end_ms)
        if _offset(zone, before) != _offset(zone, after):
            found.add(_jump(zone, before, after))
        before = after
    return found


def _jump(zone: tzinfo, before: int, after: int) -> int:
    """Return the first millisecond of the new offset between two moments of different offsets."""
    old = _offset(zone, before)
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(zone, middle) == old:
            before = middle
        else:
            after = middle
    return after


def _offset(zone: tzinfo, ms: int) -> timedelta | None:
    return at(ms).astimezone(zone).utcoffset()


def between(moments: Sequence[int], start_ms: int, end_ms: int) -> Sequence[int]:
    """Return those of the ordered moments that lie after `start_ms` and before `end_ms`."""
    first = bisect_right(moments, start_ms)
    last = first
    while last < len(moments) and moments[last] < end_ms:
        last += 1
    return moments[first:last]
