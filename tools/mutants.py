"""Mutate records, bundles, meters' records and signed messages, and judge them all.

    python tools/mutants.py [--mutants 1000000] [--honest 100000] [--seed 1] [--keep FOLDER]

Each format gets a quarter. A mutant that is VALID and says anything but what the honest one says, an honest one that is
not VALID, and whatever raises, is printed with its bytes, and the exit code is 1. What was done and found is kept under
bench/results. A batch is repeatable from the seed and its number but for the keys of seals, which are always fresh.
"""

import argparse
import json
import multiprocessing
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from bench.__main__ import RESULTS, commit, machine  # noqa: E402 - the path comes first
from tests.mutants.hunt import PER_SPECIMEN, Tally, hunt  # noqa: E402 - same
from tests.mutants.specimens import SPECIES  # noqa: E402 - same

TELL_S = 5.0


@dataclass(frozen=True, slots=True)
class Batch:
    """What one process does at a time."""

    species: str
    seed: int
    number: int
    mutants: int
    honest: int


@dataclass(frozen=True, slots=True)
class Done:
    """A batch with its tally and CPU seconds."""

    batch: Batch
    tally: Tally
    cpu_s: float


def batches(mutants: int, honest: int, seed: int) -> list[Batch]:
    """Divide so many between the formats, and among batches of one specimen each."""
    made = []
    for index, name in enumerate(SPECIES):
        own = _share(mutants, len(SPECIES), index)
        count = max(1, -(-own // PER_SPECIMEN))
        good = _share(honest, len(SPECIES), index)
        made += [Batch(name, seed, n, _share(own, count, n), _share(good, count, n)) for n in range(count)]
    return made


def _share(total: int, of: int, index: int) -> int:
    return total // of + (index < total % of)


def play(batch: Batch) -> Done:
    """Judge one batch. Mutants that came out unchanged are made up for: as many more of another specimen are judged."""
    began = time.process_time()
    tally = hunt(batch.species, batch.seed, batch.number, batch.mutants, batch.honest)
    again = 1
    while tally.mutants < batch.mutants:
        missing = batch.mutants - tally.mutants
        tally.add(hunt(batch.species, batch.seed + 1_000_003 * again, batch.number, missing, 0))
        again += 1
    return Done(batch, tally, time.process_time() - began)


def played(made: Sequence[Batch], processes: int) -> Iterator[Done]:
    """Play batches, in any order."""
    if processes == 1:
        yield from map(play, made)
        return
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        yield from pool.imap_unordered(play, made, chunksize=4)


def run(made: Sequence[Batch], processes: int) -> tuple[dict[str, Tally], dict[str, float]]:
    """Play everything, telling how far it is; return tallies and CPU seconds by format."""
    tallies = {name: Tally() for name in SPECIES}
    cpu_s = dict.fromkeys(SPECIES, 0.0)
    began = told = time.monotonic()
    for number, done in enumerate(played(made, processes), start=1):
        tallies[done.batch.species].add(done.tally)
        cpu_s[done.batch.species] += done.cpu_s
        for wrong in done.tally.wrong:
            print(wrong, flush=True)
        now = time.monotonic()
        if now - told > TELL_S or number == len(made):
            told = now
            count = sum(tally.mutants for tally in tallies.values())
            left_s = (now - began) / number * (len(made) - number)
            print(f"{count:,} mutants judged, about {left_s / 60:.0f} min left", file=sys.stderr, flush=True)
    return tallies, cpu_s


def summary(chosen: argparse.Namespace, tallies: Mapping[str, Tally], cpu_s: Mapping[str, float]) -> dict[str, Any]:
    """Return what was done and found."""
    return {
        "seed": chosen.seed,
        "mutants": sum(tally.mutants for tally in tallies.values()),
        "honest": sum(tally.honest for tally in tallies.values()),
        "wrong": [wrong for tally in tallies.values() for wrong in tally.wrong],
        "formats": {
            name: {
                "mutants": tally.mutants,
                "refused": tally.refused.total(),
                "harmless": tally.harmless.total(),
                "honest": tally.honest,
                "wrong": len(tally.wrong),
                "cpu_s": round(cpu_s[name], 1),
                "refused_by_change": dict(sorted(tally.refused.items())),
                "harmless_by_change": dict(sorted(tally.harmless.items())),
            }
            for name, tally in tallies.items()
        },
    }


def words(found: Mapping[str, Any]) -> str:
    """Return the summary as Markdown."""
    counts = f"{found['mutants']:,} mutants and {found['honest']:,} honest ones, seed {found['seed']}"
    lines = [
        f"{counts}: {len(found['wrong'])} judged wrongly.",
        "",
        "| format | mutants | refused | valid, and saying the same | honest, all valid | wrong | CPU-s |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, told in found["formats"].items():
        figures = (told[key] for key in ("mutants", "refused", "harmless", "honest", "wrong", "cpu_s"))
        lines.append(f"| {name} | " + " | ".join(f"{figure:,}" for figure in figures) + " |")
    harmless = {
        f"{name}, {what}": count
        for name, told in found["formats"].items()
        for what, count in told["harmless_by_change"].items()
    }
    lines += ["", "Valid, and saying the same, after: " + "; ".join(f"{k} ({v:,})" for k, v in harmless.items()) + "."]
    return "\n".join(lines) + "\n"


def keep(found: Mapping[str, Any], version: str, folder: Path) -> None:
    """Write the summary of a run at a commit beside those of the benchmarks."""
    at = datetime.now(UTC)
    name = folder / f"{at:%Y%m%dT%H%M%SZ}-{version}-mutants"
    on = machine()
    head = {"at": at.isoformat(timespec="seconds"), "commit": version, "machine": on}
    name.with_suffix(".json").write_text(json.dumps({**head, **found}, indent=1) + "\n")
    told = ", ".join(f"{key} {value}" for key, value in on.items())
    name.with_suffix(".md").write_text(f"Commit {version}, {at:%Y-%m-%d %H:%M} UTC, {told}\n\n{words(found)}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description="Mutate what is signed, and judge it all.")
    parser.add_argument("--mutants", type=int, default=1_000_000, help="how many (default: %(default)s)")
    parser.add_argument("--honest", type=int, default=100_000, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="what the dice begin with (default: %(default)s)")
    parser.add_argument("--processes", type=int, default=2, help="at once (default: %(default)s)")
    parser.add_argument("--keep", type=Path, default=RESULTS, help="where the summary goes (default: bench/results)")
    chosen = parser.parse_args(arguments)
    chosen.keep.mkdir(parents=True, exist_ok=True)
    version = commit()
    tallies, cpu_s = run(batches(chosen.mutants, chosen.honest, chosen.seed), chosen.processes)
    found = summary(chosen, tallies, cpu_s)
    print(words(found), end="")
    keep(found, version, chosen.keep)
    return 1 if found["wrong"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
