"""Bars: what a chart draws, worked out here, so that the template only places rectangles."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

HEIGHT, WIDTH, GAP, MAX_TICKS = 100, 10, 2, 6
"""In units of the drawing, which is stretched to its place: a bar with the gap beside it is `WIDTH` wide."""
_ROUND = tuple(map(Decimal, ("1", "1.5", "2", "3", "4", "5", "6", "8", "10")))


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
    mark: float | None = None
    """Where, from the top, what it is compared with would end; None for nothing to compare with."""


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars under a scale whose top is `top`; `ticks` has what stands below each bar, "" below most."""

    bars: tuple[Bar, ...]
    top: Decimal
    ticks: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """How wide the drawing is."""
        return max(1, len(self.bars)) * WIDTH


def stacked(
    values: Sequence[Sequence[Decimal]],
    kinds: Sequence[str],
    labels: Sequence[str],
    ticks: Sequence[str],
    before: Sequence[Decimal] = (),
) -> Chart:
    """Return bars whose parts stand on each other, the first at the bottom; what is below zero is not drawn.

    `before` are the sums that the bars are compared with, in their order; where it is shorter, the rest has none.
    """
    clean = [[max(Decimal(0), part) for part in bar] for bar in values]
    compared = [max(Decimal(0), sum_) for sum_ in before[: len(clean)]]
    top = round_top(max((*(sum(bar, Decimal(0)) for bar in clean), *compared), default=Decimal(0)))
    bars = []
    for number, (bar, label) in enumerate(zip(clean, labels, strict=True)):
        parts, y = [], float(HEIGHT)
        for kind, value in zip(kinds, bar, strict=True):
            height = round(float(value / top) * HEIGHT, 2)
            y = round(y - height, 2)
            if height:
                parts.append(Part(kind, y, height))
        mark = round(HEIGHT - float(compared[number] / top) * HEIGHT, 2) if number < len(compared) else None
        bars.append(Bar(number * WIDTH + GAP // 2, tuple(parts), label, mark))
    return Chart(tuple(bars), top, few(ticks))


def few(texts: Sequence[str]) -> tuple[str, ...]:
    """Return every so many of the texts, and "" for the others, so that they have room below their bars."""
    step = -(-len(texts) // MAX_TICKS) or 1
    last = len(texts) - step
    return tuple(text if n % step == 0 and (n <= last or n == 0) else "" for n, text in enumerate(texts))


def round_top(most: Decimal) -> Decimal:
    """Return a round figure that is no less, and whose half is round too."""
    if most <= 0:
        return Decimal(1)
    power = Decimal(1).scaleb(most.adjusted())
    return next(power * step for step in _ROUND if power * step >= most)
