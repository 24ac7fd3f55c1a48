"""The outline of the world below the network's map: land and borders as paths, as much as a view needs."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec
from markupsafe import Markup

from wattseal.serve.web.files import every_file

FINE_FROM = 3
"""From this zoom on the finer of the two levels is drawn."""
Bounds = tuple[float, float, float, float]
"""West, south, east, north in degrees."""


@dataclass(frozen=True, slots=True)
class Outline:
    """Paths of an SVG in degrees, south positive."""

    land: Markup
    borders: Markup


@cache
def _levels() -> dict[str, dict[str, list[tuple[float, float, float, float, str]]]]:
    shape = dict[str, dict[str, list[tuple[float, float, float, float, str]]]]
    found: dict[str, Any] = msgspec.json.decode(every_file()["world.json"], type=shape)
    return found


def outline(bounds: Bounds, zoom: int) -> Outline:
    """Return what of the world lies within bounds."""
    level = _levels()["fine" if zoom >= FINE_FROM else "coarse"]
    land, borders = (Markup("".join(_within(level[name], bounds))) for name in ("land", "borders"))  # noqa: S704 - ours
    return Outline(land, borders)


def _within(shapes: list[tuple[float, float, float, float, str]], bounds: Bounds) -> list[str]:
    west, south, east, north = bounds
    return [path for w, s, e, n, path in shapes if w <= east and e >= west and s <= north and n >= south]
