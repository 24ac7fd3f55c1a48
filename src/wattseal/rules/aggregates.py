"""Sums that are shown to those who may see no session: over groups so large that nobody's own figures can be told.

Whatever is shown is a sum of *atoms*: one site on one whole day (UTC), made once and never changed. An atom of which
too few persons are part, or most of which is one person's, is in no sum at all. So no two answers can be subtracted to
give less than an atom, whatever spans and sites are asked for, and however often.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

K = 5
"""Sessions and drivers that an atom has at the least."""
LARGEST_PART = 2
"""No driver has more of an atom's energy than one part in so many."""
DAY_MS = 86_400_000
SETTLED_DAYS = 3
"""A day is added up when it has been over for so long: what arrives later is in no sum."""


@dataclass(frozen=True, slots=True)
class Atom:
    """Document: what one site had on one day, counted from 1970 (UTC). One that may not be shown has no figures."""

    site: str
    day: int
    shown: bool = False
    sessions: int = 0
    energy_mwh: int = 0
    seconds: int = 0


@dataclass(slots=True)
class Gathered:
    """What is gathered of an atom: by driver how many mWh, "" for all of whom nobody knows who they are."""

    sessions: int = 0
    seconds: int = 0
    energy_mwh: dict[str, int] = field(default_factory=dict)

    def take(self, driver: str, energy_mwh: int, seconds: int) -> None:
        """Take one session in."""
        self.sessions += 1
        self.seconds += seconds
        self.energy_mwh[driver] = self.energy_mwh.get(driver, 0) + energy_mwh


def atom(site: str, day: int, found: Gathered) -> Atom:
    """Return the atom, with figures only where they may be shown."""
    if not large_enough(found):
        return Atom(site, day)
    energy_mwh = sum(found.energy_mwh.values())
    return Atom(site, day, shown=True, sessions=found.sessions, energy_mwh=energy_mwh, seconds=found.seconds)


def large_enough(found: Gathered) -> bool:
    """Return whether so many are part of it, none of them with most of it, that it tells nobody's own figures."""
    total_mwh, most_mwh = sum(found.energy_mwh.values()), max(found.energy_mwh.values(), default=0)
    return found.sessions >= K and len(found.energy_mwh) >= K and most_mwh * LARGEST_PART <= total_mwh


@dataclass(frozen=True, slots=True)
class Together:
    """The sum of those atoms that may be shown, and how many are left out, whether anything was in them or not."""

    sessions: int = 0
    energy_mwh: int = 0
    seconds: int = 0
    left_out: int = 0


def together(atoms: Iterable[Atom]) -> Together:
    """Add atoms up."""
    sessions = energy_mwh = seconds = left_out = 0
    for one in atoms:
        sessions += one.sessions
        energy_mwh += one.energy_mwh
        seconds += one.seconds
        left_out += not one.shown
    return Together(sessions, energy_mwh, seconds, left_out)
