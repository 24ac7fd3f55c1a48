"""A session's energy and power as a drawing: numbers for an SVG, so that it needs no script."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from wattseal.pricing.periods import Point

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 640, 200, 8, 12, 176
MAX_POINTS = 600
"""So many readings are drawn; of more every so many."""
TICKS = 4


@dataclass(frozen=True, slots=True)
class Tick:
    """A time below the drawing."""

    x: float
    ms: int
    anchor: str


@dataclass(frozen=True, slots=True)
class Curve:
    """`energy` and `power` are the points of polylines; power is the average between two readings."""

    energy: str
    power: str
    area: str
    most_wh: Decimal
    most_w: Decimal
    ticks: tuple[Tick, ...]
    span_ms: int = 0
    """From the first reading to the last."""


def curve_of(points: Sequence[Point]) -> Curve | None:
    """Return the drawing of readings; None where there are fewer than two, or no time passed."""
    read = [(p.ms, p.register_wh) for p in points if p.register_wh is not None]
    if len(read) > MAX_POINTS:
        step = len(read) // MAX_POINTS + 1
        read = [*read[:-1:step], read[-1]]
    if len(read) < 2 or read[-1][0] <= read[0][0]:
        return None
    begin_ms, first_wh = read[0]
    span_ms = read[-1][0] - begin_ms
    most_wh = max((wh - first_wh for _, wh in read), default=Decimal(0))
    powers = [
        (a[0], b[0], max(Decimal(0), (b[1] - a[1]) * 3_600_000 / (b[0] - a[0])))
        for a, b in pairwise(read)
        if b[0] > a[0]
    ]
    most_w = max((watts for _, _, watts in powers), default=Decimal(0))

    def x(ms: int) -> float:
        return round(LEFT + (WIDTH - 2 * LEFT) * (ms - begin_ms) / span_ms, 1)

    def y(value: Decimal, most: Decimal) -> float:
        return round(BOTTOM - (BOTTOM - TOP) * float(value / most if most else 0), 1)

    energy = [f"{x(ms)},{y(max(Decimal(0), wh - first_wh), most_wh)}" for ms, wh in read]
    power = [f"{x(at)},{y(watts, most_w)}" for start, end, watts in powers for at in (start, end)]
    area = [f"{x(powers[0][0])},{BOTTOM}", *power, f"{x(powers[-1][1])},{BOTTOM}"] if powers else []
    anchors = ("start", *["middle"] * (TICKS - 2), "end")
    ticks = (begin_ms + span_ms * number // (TICKS - 1) for number in range(TICKS))
    return Curve(
        energy=" ".join(energy),
        power=" ".join(power),
        area=" ".join(area),
        most_wh=most_wh,
        most_w=most_w,
        ticks=tuple(Tick(x(ms), ms, anchor) for ms, anchor in zip(ticks, anchors, strict=True)),
        span_ms=span_ms,
    )
