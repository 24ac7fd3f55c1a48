"""Announced works: when outage of stations was announced, or was nobody's fault."""

from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """Why outage does not count (23 CFR 680.116(b)(3))."""

    MAINTENANCE = "maintenance"
    VANDALISM = "vandalism"
    GRID = "grid"
    DISASTER = "disaster"
    VEHICLE = "vehicle"
    HOURS = "hours"


@dataclass(frozen=True, slots=True)
class Where:
    """Some stations, or those of a site; neither: all stations there are."""

    stations: tuple[str, ...] = ()
    site: str | None = None

    def holds(self, station_id: str, site: str | None) -> bool:
        """Return whether a station, which stands on `site`, is meant."""
        if self.stations:
            return station_id.casefold() in {known.casefold() for known in self.stations}
        return self.site is None or self.site == site


@dataclass(frozen=True, slots=True)
class Window:
    """A window of Unix ms (end exclusive); ended early where somebody said so. `record` is the latest about it."""

    id: str
    where: Where
    from_ms: int
    to_ms: int
    cause: Cause
    note: str = ""
    announced_by: str = ""
    ended_by: str | None = None
    record: str = ""
