"""Measure everything and print one table: `python -m bench [--quick] [--only NAME ...]`, or `make bench`.

Each module measures one thing; every figure is a median of runs in which the competitors took turns, and CPU time, not
wall time. Judge by the ratios: absolute figures belong to the machine, which the table names. The table and its numbers
are kept under bench/results/. A missed target fails nothing here; it is printed.
"""

import argparse
import json
import os
import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module, metadata
from pathlib import Path

from bench.measure import Row, at_least, table

from bench import codec, end_to_end, journal, seal

MODULES = (
    "codec",
    "seal",
    "verifier",
    "journal",
    "wire_bytes",
    "end_to_end",
    "crowd",
    "under_attack",
    "dashboard",
    "pages",
)
LONG = ("month",)
"""Measured only where they are named."""
KEPT_ALONE = {"dashboard", "pages", *LONG}
"""What they measure is compared with nothing of the other modules: it is kept where only some of them are named."""
RESULTS = Path(__file__).parent / "results"
PACKAGES = ("cryptography", "msgspec", "picows", "pynacl", "uvloop", "ocpp", "websockets")


def commit() -> str:
    """Return the commit measured, with a + where files differ from it."""
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty=+", "--abbrev=12", "--exclude=*"],  # noqa: S607 - git on the path
        cwd=RESULTS.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout.strip() or "unknown"


def machine() -> dict[str, str]:
    """Return what the figures depend on."""
    model = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        named = [
            line.partition(":")[2].strip() for line in information.read_text().splitlines() if "model name" in line
        ]
        model = f"{named[0]} x {len(named)}" if named else model
    found = {"cpu": model, "system": platform.platform(), "python": platform.python_version()}
    if hasattr(os, "getloadavg"):
        found["load average"] = f"{os.getloadavg()[2]:.1f}"
    return found | {name: metadata.version(name) for name in PACKAGES}


def beside_what_must_be(rows: list[Row]) -> list[Row]:
    """Return how near signed messages come to one verification and one durable commit each; nothing without all three.

    What else there is to do, an answer's signature included, is what is missing.
    """
    value = {row.name: row.value for row in rows}
    try:
        bound = 1e6 / (value[seal.VERIFY] + 1e6 / value[journal.CLIENTS])
        share = value[end_to_end.EVERY] / bound
    except KeyError:
        return []
    target, met = at_least(share, 0.75)
    name = "every message signed: share of 1 / (verify + durable)"
    return [Row(end_to_end.GROUP, name, 100 * share, "%", share, f"{bound:,.0f}/CPU-s", target, met)]


def where_it_goes(rows: list[Row]) -> str:
    """Return the parts of what the server spends on a MeterValues, each as measured alone; "" without all of them."""
    value = {row.name: row.value for row in rows}
    try:
        total_us = 1e6 / value[end_to_end.PLAIN]
        parts = {
            "WebSocket in and out": 1e6 / value[end_to_end.ECHO],
            "decode and validate": value[codec.METER_VALUES],
            "record on its chain": value[seal.APPEND],
            "journal, durable": 1e6 / value[journal.CLIENTS],
        }
    except KeyError:
        return ""
    parts["rules, projections, authorisation and signatures of starts and ends, tasks"] = total_us - sum(parts.values())
    told = ", ".join(f"{name} {part / total_us:.0%}" for name, part in parts.items())
    return f"Where `wattseal serve` spends a message: {told}.\n"


def kept_as(only: Sequence[str]) -> str | None:
    """Return what the name of the results of these modules ends with, None where they are not kept."""
    if tuple(only) == MODULES:
        return ""
    return "-" + "-".join(only) if KEPT_ALONE.issuperset(only) else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a smoke run: few rounds, figures worth nothing, not kept")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=MODULES + LONG,
        default=MODULES,
        help=f"measure these only; kept where they are among {', '.join(sorted(KEPT_ALONE))}",
    )
    given = parser.parse_args()
    rows: list[Row] = []
    for name in given.only:
        print(f"measuring {name} ...", flush=True)
        rows += import_module(f"bench.{name}").measure(quick=given.quick)
    rows += beside_what_must_be(rows)
    at, head, on = datetime.now(UTC), commit(), machine()
    missed = [row for row in rows if row.met is False]
    told = f"Commit {head}, {at:%Y-%m-%d %H:%M} UTC, " + ", ".join(f"{k} {v}" for k, v in on.items())
    met = sum(row.met is True for row in rows)
    text = f"{told}\n\n{table(rows)}\n{where_it_goes(rows)}{met} targets met, {len(missed)} missed.\n"
    print(f"\n{text}")
    name = None if given.quick else kept_as(given.only)
    if name is None:
        return
    RESULTS.mkdir(exist_ok=True)
    stem = RESULTS / f"{at:%Y%m%dT%H%M%SZ}-{head.rstrip('+')}{name}"
    stem.with_suffix(".md").write_text(text)
    kept = {"commit": head, "at": at.isoformat(), "machine": on, "rows": [row.to_json() for row in rows]}
    stem.with_suffix(".json").write_text(json.dumps(kept, indent=1) + "\n")
    print(f"kept as {stem}.md and .json")


if __name__ == "__main__":
    main()
