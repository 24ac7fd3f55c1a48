"""Bars: what a chart draws, worked out here, so that the template only places rectangles."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

HEIGHT, WIDTH, GAP = 100, 10, 2
"""In units of the drawing, which is stretched to its place: a bar with the gap beside it is `WIDTH` wide."""


@dataclass(frozen=True, slots=True)
class Part:
    """One rectangle of a bar: where it begins from the top, how high it is, and its class."""

    kind: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, from the left."""

    x: int
    parts: tuple[Part, ...]
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars under a scale whose top is `top`; `begins` and `ends` say what the first and last bar are of."""

    bars: tuple[Bar, ...]
    top: Decimal
    begins: str = ""
    ends: str = ""

    @property
    def width(self) -> int:
        """How wide the drawing is."""
        return max(1, len(self.bars)) * WIDTH


def stacked(
    values: Sequence[Sequence[Decimal]], kinds: Sequence[str], labels: Sequence[str], spans: Sequence[str]
) -> Chart:
    """Return bars whose parts stand on each other, the first at the bottom; what is below zero is not drawn."""
    clean = [[max(Decimal(0), part) for part in bar] for bar in values]
    top = round_top(max((sum(bar, Decimal(0)) for bar in clean), default=Decimal(0)))
    bars = []
    for number, (bar, label) in enumerate(zip(clean, labels, strict=True)):
        parts, y = [], float(HEIGHT)
        for kind, value in zip(kinds, bar, strict=True):
            height = round(float(value / top) * HEIGHT, 2)
            y = round(y - height, 2)
            if height:
                parts.append(Part(kind, y, height))
        bars.append(Bar(number * WIDTH + GAP // 2, tuple(parts), label))
    return Chart(tuple(bars), top, spans[0] if spans else "", spans[-1] if spans else "")


def round_top(most: Decimal) -> Decimal:
    """Return a round figure that is no less: 1, 2 or 5 times a power of ten."""
    if most <= 0:
        return Decimal(1)
    power = Decimal(1).scaleb(most.adjusted())
    return next(power * step for step in (1, 2, 5, 10) if power * step >= most)
