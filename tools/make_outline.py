"""Make the outline of the world that the network's map is drawn over, out of Natural Earth as npm has it.

    npm pack world-atlas@2.0.2 && tar xzf world-atlas-2.0.2.tgz
    python tools/make_outline.py package

Natural Earth is in the public domain; world-atlas, which converts it to TopoJSON, is under the ISC licence.
Written is `static/world.json`: two levels of detail, each with land (closed rings) and borders between countries, as
[west, south, east, north, path of an SVG in degrees, south positive].
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

Point = tuple[float, float]
Arc = list[Point]
LEVELS = (("coarse", "110m", 0.12, 1), ("fine", "50m", 0.04, 2))
"""Name, source, tolerance in degrees, digits."""
SMALLEST_DEG = {"coarse": 0.4, "fine": 0.15}
"""Islands smaller than this are left out."""
OUT = Path(__file__).parents[1] / "src/wattseal/serve/web/static/world.json"


def arcs_of(topology: dict[str, Any]) -> list[Arc]:
    """Return the arcs of a topology in degrees (TopoJSON: steps of a grid)."""
    (scale_x, scale_y), (west, south) = topology["transform"]["scale"], topology["transform"]["translate"]
    found = []
    for steps in topology["arcs"]:
        x = y = 0
        arc = []
        for step_x, step_y in steps:
            x, y = x + step_x, y + step_y
            arc.append((x * scale_x + west, y * scale_y + south))
        found.append(arc)
    return found


def simplified(arc: Arc, tolerance: float) -> Arc:
    """Return an arc without the points that lie within a tolerance of the line (Douglas and Peucker)."""
    keep, spans = {0, len(arc) - 1}, [(0, len(arc) - 1)]
    while spans:
        first, last = spans.pop()
        farthest, at = max(
            ((distance(arc[i], arc[first], arc[last]), i) for i in range(first + 1, last)), default=(0.0, first)
        )
        if farthest > tolerance:
            keep.add(at)
            spans += [(first, at), (at, last)]
    return [arc[i] for i in sorted(keep)]


def distance(point: Point, begin: Point, end: Point) -> float:
    """Return how far a point is from a line, or from its one point."""
    dx, dy = end[0] - begin[0], end[1] - begin[1]
    length = (dx * dx + dy * dy) ** 0.5
    if length == 0:
        return float(((point[0] - begin[0]) ** 2 + (point[1] - begin[1]) ** 2) ** 0.5)
    return float(abs(dx * (point[1] - begin[1]) - dy * (point[0] - begin[0])) / length)


def polygons(geometry: dict[str, Any]) -> Iterator[list[list[int]]]:
    """Yield the polygons of a geometry, each a list of rings, each a list of arcs (negative: backwards)."""
    match geometry["type"]:
        case "Polygon":
            yield geometry["arcs"]
        case "MultiPolygon":
            yield from geometry["arcs"]
        case "GeometryCollection":
            for part in geometry["geometries"]:
                yield from polygons(part)


def stitched(ring: Sequence[int], arcs: Sequence[Arc]) -> Arc:
    """Return the points of a ring."""
    found: Arc = []
    for number in ring:
        arc = arcs[number] if number >= 0 else arcs[~number][::-1]
        found += arc[1:] if found else arc
    return found


def around(ring: Arc) -> list[Arc]:
    """Return a ring without its jumps over the date line: gone on beyond it, and once more on the other side."""
    found, turns = ring[:1], 0
    for (before, _), (lon, lat) in pairwise(ring):
        turns += (lon - before < -180) - (lon - before > 180)
        found.append((lon + 360 * turns, lat))
    if turns:  # around a pole
        return [ring]
    lons = [lon for lon, _ in found]
    shifts = [0, *([-360] if max(lons) > 180 else []), *([360] if min(lons) < -180 else [])]
    return [[(lon + shift, lat) for lon, lat in found] for shift in shifts]


def drawn(points: Iterable[Point], digits: int, *, closed: bool) -> str:
    """Return the path of an SVG, in degrees."""
    words, last = [], None
    for lon, lat in points:
        here = f"{round(lon, digits) + 0:g} {round(-lat, digits) + 0:g}"
        if here != last:
            words.append(here)
        last = here
    return "M" + "L".join(words) + ("Z" if closed else "")


def shape(points: Arc, digits: int, *, closed: bool) -> list[Any]:
    """Return a shape with its bounds."""
    lons, lats = [lon for lon, _ in points], [lat for _, lat in points]
    bounds = [round(bound, 2) for bound in (min(lons), min(lats), max(lons), max(lats))]
    return [*bounds, drawn(points, digits, closed=closed)]


def level(topology: dict[str, Any], tolerance: float, digits: int, smallest: float) -> dict[str, list[list[Any]]]:
    """Return one level of detail."""
    arcs = [simplified(arc, tolerance) for arc in arcs_of(topology)]
    land = []
    for polygon in polygons(topology["objects"]["land"]):
        holes = "".join(drawn(stitched(hole, arcs), digits, closed=True) for hole in polygon[1:])
        for points in around(stitched(polygon[0], arcs)):
            found = shape(points, digits, closed=True)
            if max(found[2] - found[0], found[3] - found[1]) >= smallest:
                land.append([*found[:4], found[4] + holes])
    used = Counter(
        number if number >= 0 else ~number
        for polygon in polygons(topology["objects"]["countries"])
        for ring in polygon
        for number in ring
    )
    borders = [shape(arcs[number], digits, closed=False) for number, times in used.items() if times > 1]
    return {"land": land, "borders": borders}


def main() -> None:
    """Write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", type=Path, help="the unpacked npm package world-atlas")
    package = parser.parse_args().package
    made = {
        name: level(
            json.loads((package / f"countries-{source}.json").read_bytes()), tolerance, digits, SMALLEST_DEG[name]
        )
        for name, source, tolerance, digits in LEVELS
    }
    OUT.write_text(json.dumps(made, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
