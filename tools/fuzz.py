"""Fuzz the parsers for as long as you like.

    python tools/fuzz.py [--seconds 60] [TARGET ...]      # all targets of tests/fuzz/targets.py, so long each

Each round draws fresh examples; what breaks a promise is made as small as it gets, and printed with its traceback.
Exits with 1 if anything was found.
"""

import argparse
import sys
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from hypothesis import HealthCheck, given, settings  # noqa: E402 - the path comes first
from tests.fuzz.targets import TARGETS, Target  # noqa: E402

ROUND = 500


def fuzz(name: str, target: Target, seconds: float) -> bool:
    """Run one target; return whether all its promises held."""
    until, rounds = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        run = given(target.strategy)(target.check)
        try:
            settings(max_examples=ROUND, deadline=None, database=None, suppress_health_check=list(HealthCheck))(run)()
        except Exception:  # noqa: BLE001 - whatever it is, it is what was looked for
            print(f"{name}: broken after {rounds * ROUND} examples and some\n{traceback.format_exc()}")
            return False
        rounds += 1
    print(f"{name}: {rounds * ROUND} examples, nothing found", flush=True)
    return True


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description="Fuzz the parsers.")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each target (default: %(default)s)")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    chosen = parser.parse_args()
    unknown = set(chosen.targets) - TARGETS.keys()
    if unknown:
        parser.error(f"no target {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}")
    results = [fuzz(name, TARGETS[name], chosen.seconds) for name in chosen.targets or TARGETS]
    return 0 if all(results) else 1


if __name__ == "__main__":
    raise SystemExit(main())
