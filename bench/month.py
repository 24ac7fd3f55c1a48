"""A month of sessions with faults in it: how long it takes to record and bill it, and to audit it.

    python -m bench --only month

Both are programs of their own, as `make audit-month` runs them; CPU seconds and peak memory are those the system tells.
A run takes the better part of an hour, so it is measured only where it is asked for.
"""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.measure import Row

GROUP = "A month, audited"
SESSIONS, SEED = 100_000, 7
KIB = 1024


@dataclass(frozen=True, slots=True)
class Spent:
    """What a program took: CPU and wall seconds, peak memory in MiB, its exit code."""

    cpu_s: float
    wall_s: float
    peak_mib: float
    code: int


def run(words: list[str], out: Path) -> Spent:
    """Run `wattseal` with some words, its output into a file, and return what it took."""
    began = time.monotonic()
    with out.open("wb") as file:
        process = subprocess.Popen([sys.executable, "-m", "wattseal", *words], stdout=file)  # noqa: S603 - our own
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall_s = time.monotonic() - began
    return Spent(used.ru_utime + used.ru_stime, wall_s, used.ru_maxrss / KIB, process.returncode)


def measure(*, quick: bool = False) -> list[Row]:
    """Return what making and auditing the month took; an audit that misses a fault or flags a clean one is an error."""
    sessions = 1000 if quick else SESSIONS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data, truth, audit = folder / "cpo", folder / "truth.json", folder / "audit.json"
        size = ["--sessions", str(sessions), "--seed", str(SEED), "--json"]
        made = run(["month", "make", "--data", str(data), "--truth", str(truth), *size], folder / "made")
        size_mib = (data / "journal.sqlite3").stat().st_size / KIB / KIB
        days = ["--from", "2026-03-01", "--to", "2026-04-02"]
        audited = run(["audit", "--data", str(data), *days, "--json"], audit)
        told = folder / "told"
        compared = run(["month", "compare", "--audit", str(audit), "--truth", str(truth)], told)
        if made.code or compared.code:
            raise RuntimeError(told.read_text() if told.exists() else "the month was not made")
        found = "; ".join(told.read_text().split("\n")).strip("; ")
    return rows(sessions, made, audited, size_mib, found)


def rows(sessions: int, made: Spent, audited: Spent, size_mib: float, found: str) -> list[Row]:
    """Return the lines of the table; the audit's ratio is to what it took to record and bill the same month."""
    name = f"{sessions:,} sessions"
    return [
        Row(
            GROUP, f"{name}: recorded and billed", made.cpu_s, "CPU-s", note=_note(made, f"journal {size_mib:,.0f} MiB")
        ),
        Row(
            GROUP,
            f"{name}: audited",
            audited.cpu_s,
            "CPU-s",
            audited.cpu_s / made.cpu_s,
            "recording and billing it",
            note=_note(audited, found),
        ),
        Row(GROUP, f"{name}: audit, a session", 1e6 * audited.cpu_s / sessions, "us"),
    ]


def _note(spent: Spent, more: str) -> str:
    return f"{spent.wall_s:,.0f} s of wall time, {spent.peak_mib:,.0f} MiB at most; {more}"
