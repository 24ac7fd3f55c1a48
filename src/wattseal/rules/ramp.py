"""How fast commands may change the power of a fleet: a line that every change of power stands in (kW/s).

A change of `w` watts has a line for `w / cap` seconds to itself, beginning when the command is sent. So in any stretch
of time the changes sent come to at most the cap times its length, and the one change that is under way at its end. A
tenant has two lines, up and down, and so has each of its sites; a change waits until all lines it needs are free.
Those that wait are scattered by `jitter_ms`, so that none has a place that somebody can foresee.

Times are Unix milliseconds, power is watts.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

MAX_TRIES = 200
"""How often a common place in several lines is looked for."""


class Direction(StrEnum):
    """Which way the power goes."""

    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class RampPolicy:
    """`fleet_w_s` and `site_w_s` are the caps in W/s; what would wait longer than `max_wait_ms` is refused.

    `evse_w` is what an EVSE is taken to deliver whose rating nobody has told. A schedule whose steps fall together with
    those of others begins up to `spread_ms` later.
    """

    fleet_w_s: int = 100_000
    site_w_s: int = 50_000
    jitter_ms: int = 2000
    max_wait_ms: int = 3_600_000
    spread_ms: int = 1_800_000
    evse_w: int = 22_000


DEFAULT_RAMP = RampPolicy()


@dataclass(frozen=True, slots=True)
class Swing:
    """By how much power may rise and fall at worst, at once."""

    up_w: int = 0
    down_w: int = 0

    def __bool__(self) -> bool:
        """Return whether it changes anything."""
        return self.up_w > 0 or self.down_w > 0


@dataclass(slots=True)
class Line:
    """The times that are taken, as stretches in order that neither touch nor overlap."""

    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)

    def first(self, at_ms: int, length_ms: int) -> int:
        """Return the first time from `at_ms` on at which so long a stretch is free."""
        index = bisect_right(self.ends, at_ms)
        while index < len(self.starts) and self.starts[index] - at_ms < length_ms:
            at_ms = max(at_ms, self.ends[index])
            index += 1
        return at_ms

    def take(self, at_ms: int, length_ms: int) -> None:
        """Take a stretch that is free."""
        index, end_ms = bisect_right(self.ends, at_ms), at_ms + length_ms
        before = index > 0 and self.ends[index - 1] == at_ms
        after = index < len(self.starts) and self.starts[index] == end_ms
        match before, after:
            case True, True:
                self.ends[index - 1] = self.ends[index]
                del self.starts[index], self.ends[index]
            case True, False:
                self.ends[index - 1] = end_ms
            case False, True:
                self.starts[index] = at_ms
            case _:
                self.starts.insert(index, at_ms)
                self.ends.insert(index, end_ms)

    def forget(self, now_ms: int) -> None:
        """Drop what is over."""
        over = bisect_right(self.ends, now_ms)
        del self.starts[:over], self.ends[:over]


Place = tuple[str, Direction]
"""A line: of a site by its id, of the whole tenant by ""."""


@dataclass(frozen=True, slots=True)
class Step:
    """A change of power that a schedule brings about by itself, at its time."""

    at_ms: int
    swing: Swing


@dataclass(slots=True)
class Ramp:
    """The lines of a tenant; everything here is in memory and made anew from what waits after a restart.

    `held` are the times of commands that wait and have taken their places, by id.
    """

    policy: RampPolicy = DEFAULT_RAMP
    lines: dict[Place, Line] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)

    def now(self, now_ms: int, swing: Swing, site: str | None) -> int:
        """Return the earliest time a change may be sent; takes nothing."""
        return self._free(now_ms, self._needs(swing, site))

    def enter(
        self, now_ms: int, swing: Swing, site: str | None, draw: Callable[[int], int], behind_ms: int = 0
    ) -> int | None:
        """Stand in line; return when the change may be sent, None where that would be too late.

        What need not wait goes now; nothing goes before `behind_ms`, when an earlier command to the same station does.
        `draw(n)` returns a random number from 0 to n - 1.
        """
        needs = self._needs(swing, site)
        at_ms = self._free(max(now_ms, behind_ms), needs)
        if at_ms > now_ms and self.policy.jitter_ms > 0:
            at_ms = self._free(at_ms + draw(self.policy.jitter_ms + 1), needs)
        if at_ms - now_ms > self.policy.max_wait_ms:
            return None
        self._take(at_ms, needs)
        return at_ms

    def take(self, at_ms: int, swing: Swing, site: str | None) -> None:
        """Take the place that a change was given before a restart, or the next one where others have it."""
        needs = self._needs(swing, site)
        self._take(self._free(at_ms, needs), needs)

    def count(self, now_ms: int, swing: Swing, site: str | None) -> None:
        """Count a change that does not wait: others wait for it, in each line from its first free time on."""
        for line, length_ms in self._needs(swing, site):
            self._take(line.first(now_ms, length_ms), ((line, length_ms),))

    def enter_steps(self, steps: Iterable[Step], site: str | None) -> int | None:
        """Book the steps of a schedule, all of them later by as many milliseconds as are returned (whole seconds).

        None where there is no room within `spread_ms`, or where they are too close together; then nothing is booked.
        """
        wanted = tuple(steps)
        if not _fit_alone(self.policy, wanted):
            return None
        needs = [(step.at_ms, self._needs(step.swing, site)) for step in wanted]
        later_ms = 0
        for _ in range(MAX_TRIES):
            short_ms = max((self._free(at + later_ms, lines) - at - later_ms for at, lines in needs), default=0)
            if short_ms == 0:
                break
            later_ms += -(-short_ms // 1000) * 1000
        else:
            return None
        if later_ms > self.policy.spread_ms:
            return None
        for at_ms, lines in needs:
            self._take(at_ms + later_ms, lines)
        return later_ms

    def forget(self, now_ms: int) -> None:
        """Drop what is over."""
        for place, line in tuple(self.lines.items()):
            line.forget(now_ms)
            if not line.starts:
                del self.lines[place]

    def _needs(self, swing: Swing, site: str | None) -> tuple[tuple[Line, int], ...]:
        return tuple(self._each(swing, site))

    def _each(self, swing: Swing, site: str | None) -> Iterator[tuple[Line, int]]:
        for direction, power_w in ((Direction.UP, swing.up_w), (Direction.DOWN, swing.down_w)):
            if power_w > 0:
                yield self._line(("", direction)), _length_ms(power_w, self.policy.fleet_w_s)
                if site:
                    yield self._line((site, direction)), _length_ms(power_w, self.policy.site_w_s)

    def _line(self, place: Place) -> Line:
        return self.lines.setdefault(place, Line())

    @staticmethod
    def _free(at_ms: int, needs: tuple[tuple[Line, int], ...]) -> int:
        while True:
            latest = max((line.first(at_ms, length_ms) for line, length_ms in needs), default=at_ms)
            if latest == at_ms:
                return at_ms
            at_ms = latest

    @staticmethod
    def _take(at_ms: int, needs: Iterable[tuple[Line, int]]) -> None:
        for line, length_ms in needs:
            line.take(at_ms, length_ms)


def _fit_alone(policy: RampPolicy, steps: tuple[Step, ...]) -> bool:
    """Return whether no step of a schedule comes while the one before it still has the line."""
    alone = Ramp(policy)
    for step in steps:
        if alone.now(step.at_ms, step.swing, "site") != step.at_ms:
            return False
        alone.count(step.at_ms, step.swing, "site")
    return True


def _length_ms(power_w: int, cap_w_s: int) -> int:
    return max(1, -(-power_w * 1000 // cap_w_s))
