"""Lines in a drawing: where each point stands, and what is written at the axes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 30, 40
STEPS = 5
MOST_MARKS = 8
"""So many x values are marked as they are; more get marks at even steps."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One line: its name, its place among the lines, and its points in the drawing."""

    name: str
    place: int
    points: tuple[tuple[float, float], ...]

    @property
    def path(self) -> str:
        """Its points as SVG has them."""
        return " ".join(f"{x:g},{y:g}" for x, y in self.points)


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark at an axis."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Plot:
    """One drawing; `values` are its figures as a table, for whoever cannot see it."""

    title: str
    x_unit: str
    y_unit: str
    lines: tuple[Drawn, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    values: tuple[tuple[str, tuple[tuple[float, float], ...]], ...]


def plots(series: Sequence[Mapping[str, Any]]) -> list[Plot]:
    """Return a drawing for each `plot` named, in their order; `series` are `attack.Series` as JSON."""
    ordered = sorted(series, key=lambda each: each["plot"])
    return [_plot(title, list(group)) for title, group in groupby(ordered, key=lambda each: each["plot"])]


def _plot(title: str, series: Sequence[Mapping[str, Any]]) -> Plot:
    xs: list[float] = [x for each in series for x, _ in each["points"]]
    ys: list[float] = [y for each in series for _, y in each["points"]]
    left, right = min(xs, default=0.0), max(xs, default=1.0)
    low, high = min(0.0, *ys, 0.0), _round_up(max([*ys, 0.0]))

    def across(x: float) -> float:
        span = right - left or 1.0
        return round(LEFT + (x - left) / span * (WIDTH - LEFT - RIGHT), 1)

    def up(y: float) -> float:
        return round(HEIGHT - BOTTOM - (y - low) / (high - low or 1.0) * (HEIGHT - TOP - BOTTOM), 1)

    lines = [
        Drawn(each["name"], place, tuple((across(x), up(y)) for x, y in each["points"]))
        for place, each in enumerate(series)
    ]
    x_marks = sorted(set(xs))
    if len(x_marks) > MOST_MARKS:
        x_marks = [left + (right - left) * step / STEPS for step in range(STEPS + 1)]
    y_marks = [low + (high - low) * step / STEPS for step in range(STEPS + 1)]
    return Plot(
        title,
        series[0]["x_unit"],
        series[0]["y_unit"],
        tuple(lines),
        tuple(Tick(across(x), f"{x:.3g}") for x in x_marks),
        tuple(Tick(up(y), f"{y:.4g}") for y in y_marks),
        tuple((each["name"], tuple((x, y) for x, y in each["points"])) for each in series),
    )


def _round_up(value: float) -> float:
    """Return the next 1, 2 or 5 times a power of ten."""
    if value <= 0:
        return 1.0
    power = float(f"1e{math.floor(math.log10(value))}")
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value * (1 - 1e-9))
