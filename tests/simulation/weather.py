"""The weather of a storm: how often what goes wrong, drawn from its seed; and the clock that it plays by."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from tests.support.cpo_world import AT

DAY = timedelta(days=1)
THERE = 0.3
"""How likely each of the actors is there."""


@dataclass(frozen=True)
class Weather:
    """How often what happens, each the chance at one step.

    `crash_at` kills at exactly that wait, and never else; `crash_commit` at exactly that commit, (which, True: it was
    durable, False: it was not).
    `actors` are those who are there, by name.
    """

    crash: float = 0.0
    crash_at: int | None = None
    crash_commit: tuple[int, bool] | None = None
    fail: float = 0.0
    lose: float = 0.0
    double: float = 0.0
    disorder: float = 0.0
    swallow: float = 0.0
    reboot: float = 0.0
    jump: float = 0.0
    silent: float = 0.0
    sessions: int = 2
    faults: int = 12
    actors: frozenset[str] = frozenset()

    @classmethod
    def drawn(cls, dice: Random, actors: Iterable[str] = ()) -> "Weather":
        """Draw one: some faults are there, others are not, so that each combination is seen."""

        def chance(*some: float) -> float:
            return dice.choice((0.0, *some))

        return cls(
            crash=chance(0.002, 0.01, 0.04),
            fail=chance(0.02, 0.1),
            lose=chance(0.1, 0.3),
            double=chance(0.1, 0.3),
            disorder=chance(0.3, 1.0),
            swallow=chance(0.0, 0.05),
            reboot=chance(0.01, 0.05),
            jump=chance(0.0, 0.01),
            silent=chance(0.2, 0.5),
            sessions=dice.randint(1, 3),
            faults=dice.randint(3, 20),
            actors=frozenset(name for name in actors if dice.random() < THERE),
        )


@dataclass
class StormClock:
    """The CSMS's clock: true time, and what it is off by."""

    at: datetime = AT
    off: timedelta = timedelta(0)

    def now(self) -> datetime:
        self.at += timedelta(milliseconds=1)
        return self.at + self.off

    def true_ms(self) -> int:
        return round(self.at.timestamp() * 1000)


def dice(seed: int | str) -> Random:
    """Return what draws faults, the same for the same seed."""
    return Random(seed)  # noqa: S311 - it draws faults, not keys
