"""The network's map: which part of the world is shown, where sites are in it, and which of them stand together.

A view is a middle and a zoom. Degrees are drawn as they are (equirectangular), eastward ones narrowed by the cosine of
the middle's latitude, so that shapes look right there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import cos, floor, log2, radians
from typing import Generic, TypeVar

from wattseal.serve.web.outline import Bounds

WIDTH, HEIGHT = 960, 440
WORLD = 2.6
"""Pixels of a degree of latitude at zoom 0."""
MAX_ZOOM, MAX_FIT = 13, 7
CELL = 56
"""Sites nearer to each other than so many pixels are drawn as one."""
_MOST_LAT = 72.0
_STEP = 0.3
"""What part of the view a step sideways moves it."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class View:
    """What the map shows: its middle in degrees, and how near."""

    latitude: float
    longitude: float
    zoom: int

    @property
    def scale(self) -> tuple[float, float]:
        """Pixels of a degree eastward and southward."""
        south = WORLD * 2**self.zoom
        return south * cos(radians(min(abs(self.latitude), 60.0))), south

    @property
    def bounds(self) -> Bounds:
        """What of the world is in it."""
        east, south = self.scale
        half_x, half_y = WIDTH / 2 / east, HEIGHT / 2 / south
        return (
            self.longitude - half_x,
            self.latitude - half_y,
            self.longitude + half_x,
            self.latitude + half_y,
        )

    @property
    def transform(self) -> str:
        """What puts a path in degrees, south positive, in its place."""
        east, south = self.scale
        return (
            f"translate({WIDTH // 2} {HEIGHT // 2}) scale({east:.4f} {south:.4f}) "
            f"translate({-self.longitude:.5f} {self.latitude:.5f})"
        )

    def place(self, latitude: float, longitude: float) -> tuple[float, float]:
        """Return where a point is, in pixels."""
        east, south = self.scale
        return WIDTH / 2 + (longitude - self.longitude) * east, HEIGHT / 2 - (latitude - self.latitude) * south

    def moved(self, *, east: int = 0, north: int = 0, nearer: int = 0) -> "View":
        """Return the view a step further in a direction."""
        across, up = self.scale
        return clamped(
            self.latitude + north * _STEP * HEIGHT / up,
            self.longitude + east * _STEP * WIDTH / across,
            self.zoom + nearer,
        )

    def text(self) -> str:
        """Return it as the address has it."""
        return f"{self.latitude:.4f},{self.longitude:.4f},{self.zoom}"

    @property
    def bar(self) -> tuple[float, int]:
        """The scale: pixels, and how many metres they are."""
        per_pixel = 111_320 / self.scale[1]
        most = per_pixel * 160
        step = 10 ** floor(log2(most) / log2(10))
        metres = max(step * factor for factor in (1, 2, 5) if step * factor <= most)
        return metres / per_pixel, metres


def clamped(latitude: float, longitude: float, zoom: int) -> View:
    """Return a view that shows some of the world."""
    return View(
        max(-_MOST_LAT, min(_MOST_LAT, latitude)),
        max(-180.0, min(180.0, longitude)),
        max(0, min(MAX_ZOOM, zoom)),
    )


def parsed(text: str) -> View | None:
    """Return the view that an address names; None where it names none."""
    parts = text[:64].split(",")
    try:
        latitude, longitude, zoom = float(parts[0]), float(parts[1]), int(parts[2])
    except (ValueError, IndexError):
        return None
    if latitude != latitude or longitude != longitude:  # noqa: PLR0124 - what is no number differs from itself
        return None
    return clamped(latitude, longitude, zoom)


def fitted(points: Sequence[tuple[float, float]]) -> View:
    """Return the nearest view in which all points (latitude, longitude) are."""
    if not points:
        return View(25.0, 10.0, 0)
    lats, lons = [point[0] for point in points], [point[1] for point in points]
    middle = (min(lats) + max(lats)) / 2, (min(lons) + max(lons)) / 2
    high, wide = max(lats) - min(lats), (max(lons) - min(lons)) * cos(radians(min(abs(middle[0]), 60.0)))
    fits = min(0.8 * HEIGHT / max(high, 1e-6), 0.8 * WIDTH / max(wide, 1e-6)) / WORLD
    return clamped(*middle, min(MAX_FIT, floor(log2(max(fits, 1.0)))))


@dataclass(frozen=True, slots=True)
class Spot(Generic[T]):
    """One mark on the map: where, and what stands there."""

    x: float
    y: float
    latitude: float
    longitude: float
    members: tuple[T, ...]


def spots(view: View, placed: Iterable[tuple[float, float, T]]) -> tuple[Spot[T], ...]:
    """Return what is within the view (latitude, longitude, what), those that would cover each other as one."""
    found: list[list[tuple[float, float, float, float, T]]] = []
    for latitude, longitude, what in placed:
        x, y = view.place(latitude, longitude)
        if not (0 <= x <= WIDTH and 0 <= y <= HEIGHT):
            continue
        near = next((group for group in found if abs(group[0][0] - x) < CELL and abs(group[0][1] - y) < CELL), None)
        if near is None:
            found.append(near := [])
        near.append((x, y, latitude, longitude, what))
    return tuple(_spot(group) for group in found)


def _spot(group: list[tuple[float, float, float, float, T]]) -> Spot[T]:
    x, y, latitude, longitude = (sum(member[i] for member in group) / len(group) for i in range(4))  # type: ignore[misc]
    return Spot(x, y, latitude, longitude, tuple(member[4] for member in group))
