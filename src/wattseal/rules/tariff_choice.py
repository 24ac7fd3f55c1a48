"""Which tariff applies: the most specific of those assigned that is valid at the time (docs/how-to/tariffs.md).

The levels are looked at in the order token, group, station, site, CPO. One whose tariff is not valid at the time is
passed over for the next, so that a night-only or a Christmas tariff leaves what is below it in force for the rest.

Of one tariff's versions the newest counts whose time has begun. A version that was announced for later leaves the one
before it in force until then; one that has ended brings no older one back.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

from msgspec import Struct

from wattseal.model.station import Station
from wattseal.model.tariff_place import Level, TariffVersion
from wattseal.model.token import TokenRecord

PRECEDENCE = tuple(Level)
"""All levels in the order in which they are looked at."""


class Why(StrEnum):
    """Why a level does not decide."""

    NOT_ASSIGNED = "not_assigned"
    NOT_YET_VALID = "not_yet_valid"
    NO_LONGER_VALID = "no_longer_valid"
    UNKNOWN_TARIFF = "unknown_tariff"


class Passed(Struct, frozen=True, gc=False):
    """A level that does not decide, and why."""

    level: Level
    why: Why
    tariff_id: str | None = None


class Choice(Struct, frozen=True, gc=False):
    """The version that applies and the level that decided, None where none does; `passed` are those above it."""

    version: TariffVersion | None
    level: Level | None
    passed: tuple[Passed, ...]


def names_of(station: Station, token: TokenRecord | None) -> Mapping[Level, str]:
    """Return what the levels are called for this driver at this station.

    Tokens and groups count where the CPO itself bills: an eMSP's driver pays what was published for the station.
    """
    names = {Level.STATION: station.id.casefold(), Level.CPO: ""}
    if station.site is not None:
        names[Level.SITE] = station.site
    if token is not None and token.party is None:
        names[Level.TOKEN] = token.id_token.key()
        if token.group is not None:
            names[Level.GROUP] = token.group.key()
    return names


def choose(assigned: Mapping[Level, str], versions_of: Callable[[str], Sequence[TariffVersion]], at_ms: int) -> Choice:
    """Return what applies at a time, `assigned` being a tariff's id by level and `versions_of` all of an id's."""
    passed: list[Passed] = []
    for level in PRECEDENCE:
        tariff_id = assigned.get(level)
        found = Why.NOT_ASSIGNED if tariff_id is None else in_force(versions_of(tariff_id), at_ms)
        if isinstance(found, TariffVersion):
            return Choice(found, level, tuple(passed))
        passed.append(Passed(level, found, tariff_id))
    return Choice(None, None, tuple(passed))


def in_force(versions: Sequence[TariffVersion], at_ms: int) -> TariffVersion | Why:
    """Return the version that is in force at a time, of one tariff's in the order in which they were signed."""
    begun = [version for version in versions if version.start_ms is None or version.start_ms <= at_ms]
    if not begun:
        return Why.NOT_YET_VALID if versions else Why.UNKNOWN_TARIFF
    last = begun[-1]
    return last if last.end_ms is None or at_ms < last.end_ms else Why.NO_LONGER_VALID


def still_needed(versions: Sequence[TariffVersion], at_ms: int) -> tuple[TariffVersion, ...]:
    """Return the versions that are in force or may come into force: the last that has begun, and all after it."""
    begun = [place for place, version in enumerate(versions) if version.start_ms is None or version.start_ms <= at_ms]
    return tuple(versions[begun[-1] :] if begun else versions)
