"""Which sums to read for steps of time: whole days of all stations where that is less, hours at their edges.

A day of another zone than UTC is a day of UTC less some hours on one side and with some more on the other. So a step is
the days between the midnights (UTC) next to its ends, with the hours from there to the ends added or taken away.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

HOUR, DAY = 4, 96


class Span(NamedTuple):
    """Sums of `width` from quarter `since` to before `until`, which count `sign` times in a step."""

    step: int
    sign: int
    width: int
    since: int
    until: int


def quarters(bounds: Sequence[int]) -> list[Span]:
    """Return one span of quarters a step; `bounds` are the quarters at which steps begin, and the last one ends."""
    return [Span(step, 1, 1, since, until) for step, (since, until) in enumerate(pairwise(bounds))]


def hours_and_days(bounds: Sequence[int]) -> list[Span]:
    """Return the spans for steps that begin and end on full hours of UTC, with the fewest sums to read."""
    found: list[Span] = []
    for step, (since, until) in enumerate(pairwise(bounds)):
        first, last = _midnight(since), _midnight(until)
        edges = abs(since - first) + abs(until - last)
        if (until - since) // HOUR <= edges // HOUR + (last - first) // DAY:
            found.append(Span(step, 1, HOUR, since, until))
            continue
        found.append(Span(step, 1, DAY, first, last))
        found.extend(_edge(step, 1, last, until))
        found.extend(_edge(step, -1, first, since))
    return found


def on_hours(bounds: Sequence[int]) -> bool:
    """Return whether all of them are full hours of UTC."""
    return all(bound % HOUR == 0 for bound in bounds)


def _midnight(quarter: int) -> int:
    return (quarter + DAY // 2) // DAY * DAY


def _edge(step: int, sign: int, midnight: int, end: int) -> list[Span]:
    if end == midnight:
        return []
    return [Span(step, sign if end > midnight else -sign, HOUR, min(midnight, end), max(midnight, end))]
