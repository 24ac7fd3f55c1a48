"""How the benchmarks measure: CPU seconds, in turns, medians; and what a line of the table says."""

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """One line: a measured `value`, its `ratio` to `base`, and the target the ratio (or the value) has to meet.

    `met` is None where there is no target, else whether it is met.
    """

    group: str
    name: str
    value: float
    unit: str
    ratio: float | None = None
    base: str = ""
    target: str = ""
    met: bool | None = None
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the row for the results file."""
        return asdict(self)


def at_least(ratio: float, wanted: float) -> tuple[str, bool]:
    """Return target text and verdict of a ratio that should be `wanted` or more."""
    return f">= {wanted:g}x", ratio >= wanted


def at_most(ratio: float, wanted: float) -> tuple[str, bool]:
    """Return target text and verdict of a ratio that should be `wanted` or less."""
    return f"<= {wanted:g}x", ratio <= wanted


def seconds_each(cases: Mapping[str, Callable[[], object]], *, rounds: int, batch_s: float = 0.02) -> dict[str, float]:
    """Return the CPU seconds of one call of each case: the median of `rounds` batches, the cases taking turns."""
    sizes = {name: _batch_size(call, batch_s) for name, call in cases.items()}
    found: dict[str, list[float]] = {name: [] for name in cases}
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, call in cases.items():
                found[name].append(_batch(call, sizes[name]))
    finally:
        gc.enable()
    return {name: statistics.median(times) for name, times in found.items()}


def _batch(call: Callable[[], object], size: int) -> float:
    start = time.process_time()
    for _ in range(size):
        call()
    return (time.process_time() - start) / size


def _batch_size(call: Callable[[], object], batch_s: float) -> int:
    size = 1
    while (each := _batch(call, size)) * size < batch_s / 4:
        size *= 2
    return max(1, round(batch_s / each))


def table(rows: list[Row]) -> str:
    """Return the rows as a Markdown table, group by group."""
    lines = []
    for group in dict.fromkeys(row.group for row in rows):
        lines += ["", f"### {group}", "", "| what | measured | ratio | target | |", "|---|---:|---:|---|---|"]
        for row in rows:
            if row.group == group:
                ratio = "" if row.ratio is None else f"{row.ratio:.3g}x {row.base}"
                verdict = {None: "", True: "met", False: "**missed**"}[row.met]
                said = "; ".join(part for part in (verdict, row.note) if part)
                lines.append(f"| {row.name} | {_number(row.value)} {row.unit} | {ratio} | {row.target} | {said} |")
    return "\n".join(lines).strip() + "\n"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
