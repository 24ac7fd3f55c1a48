"""Where a tariff applies: to the whole CPO, at a site, at a station, for a group of tokens, for one token."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """What a tariff is assigned to, the most specific first: that is the order in which they are looked at."""

    TOKEN = "token"  # noqa: S105 - a word of the API
    GROUP = "group"
    STATION = "station"
    SITE = "site"
    CPO = "cpo"


PRIVATE = frozenset({Level.TOKEN, Level.GROUP})
"""Levels whose names say who a driver is: they are told to nobody, and count where the CPO itself bills."""


@dataclass(frozen=True, slots=True)
class TariffPlace:
    """A place and the tariff assigned to it, None for none any more; `stations` are a site's.

    `name` is empty for the whole CPO, and in records of private levels, whose identity group has it.
    """

    level: Level
    name: str = ""
    tariff_id: str | None = None
    stations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TariffVersion:
    """One signed version of a tariff: its record's payload hash in hex, when that was made, and when it is valid.

    Times are Unix milliseconds, `start_ms` inclusive, `end_ms` exclusive, None for no limit.
    """

    tariff_id: str
    record: str
    since_ms: int
    start_ms: int | None = None
    end_ms: int | None = None
