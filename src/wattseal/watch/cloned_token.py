"""One card at two places: charging at both at once, or at the second sooner than anybody gets there."""

from math import asin, cos, radians, sin, sqrt

from wattseal.model.verdict import Finding
from wattseal.watch.detector import Detector, Moment, Seen, Use, at
from wattseal.watch.neighbours import CLOCK_MS

ROAD_KMH = 200
"""No car is faster from door to door."""
AIR_KMH = 800
AIRPORT_MS = 2 * 3_600_000
"""Who flies and hires a car there needs so much more."""
NEAR_KM = 2.0
"""Within this two sites are one place: one walks, or a household has two cars."""
_HOUR_MS = 3_600_000
_EARTH_KM = 6371.0


def observe(seen: Seen) -> Finding | None:
    """Hold a session against the others of its card; what is surely two places is told before what may be one."""
    found = [note for other in seen.others if (note := seen.use and _judge(seen.use, other))]
    return min(found, key=lambda note: note.code, default=None)


def _judge(use: Use, other: Use) -> Finding | None:
    if use.station_id == other.station_id or (use.site is not None and use.site == other.site):
        return None
    between_ms = max(use.began_ms, other.began_ms) - min(use.until_ms, other.until_ms)
    km = None if use.place is None or other.place is None else distance_km(use.place, other.place)
    where = f"{other.station_id}, session {other.subject}"
    if km is not None and km > NEAR_KM:
        if between_ms < -CLOCK_MS:
            return Finding("cloned_token", "id_token", f"charging at once {km:.0f} km away at {where}")
        if max(0, between_ms) + CLOCK_MS < least_ms(km):
            minutes = max(0, between_ms) // 60_000
            return Finding("cloned_token", "id_token", f"{km:.0f} km in {minutes} min, to or from {where}")
    elif between_ms < -CLOCK_MS:
        return Finding("token_used_twice", "id_token", f"charging at once at {where}")
    return None


def least_ms(km: float) -> float:
    """Return the least time that anybody takes from door to door."""
    return min(km / ROAD_KMH * _HOUR_MS, AIRPORT_MS + km / AIR_KMH * _HOUR_MS)


def distance_km(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the distance of two places on the globe (haversine)."""
    (lat1, lon1), (lat2, lon2) = (tuple(map(radians, place)) for place in (one, other))
    half = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin((lon2 - lon1) / 2) ** 2
    return 2 * _EARTH_KM * asin(sqrt(min(1.0, half)))


DETECTOR = Detector(
    code="cloned_token",
    title="a card that charges at two sites at once, or at the second sooner than anybody gets there",
    threshold=ROAD_KMH,
    unit="km/h, or 800 km/h and two hours",
    why="no car and no flight is faster from door to door; five minutes are a clock, two kilometres are one place; "
    "where no site is known it is a note only (`token_used_twice`)",
    then="one of the two is a copy, or several drivers share the card: ask the holder. Block the card and give the "
    "account another: what its holder starts by app or receipt code goes on. Bill or waive each session",
    moments=at(Moment.USED),
    observe=observe,
)
