"""`python -m tests.torn --seeds N`: so many disks after power cuts and damage, and what came of them."""

import argparse
import sys
import time
import traceback
from collections import Counter

from tests.torn.play import cuts, damages, edge_cuts

CUTS, EDGE_CUTS, DAMAGES = 24, 8, 8
"""Of one machine's work so many disks are looked at."""
PLAYS = (("power cut", cuts, CUTS), ("power cut at an edge", edge_cuts, EDGE_CUTS), ("damage", damages, DAMAGES))
EACH = CUTS + EDGE_CUTS + DAMAGES


def main() -> int:
    asked = argparse.ArgumentParser(prog="python -m tests.torn", description=__doc__)
    asked.add_argument("--seed", type=int, help="play this machine only, and tell each disk")
    asked.add_argument("--seeds", type=int, default=1000, help="how many disks, about")
    asked.add_argument("--first", type=int, default=1, help="the first machine")
    args = asked.parse_args()
    machines = range(args.first, args.first + -(-args.seeds // EACH)) if args.seed is None else [args.seed]
    begun, came, wrong = time.process_time(), Counter[str](), []
    for seed in machines:
        for what, play, count in PLAYS:
            told: list[str] = []
            try:
                came.update({f"{what}: {name}": times for name, times in play(seed, count, told.append).items()})
            except Exception as error:  # noqa: BLE001 - whatever it is, its seed is what helps
                wrong.append(seed)
                print(f"seed {seed}, {what}: {type(error).__name__}: {error} ({told[-1:]})")
                if args.seed is not None:
                    traceback.print_exc()
    spent = time.process_time() - begun
    for name, times in sorted(came.items()):
        print(f"{times:8} {name}")
    print(f"{came.total()} disks of {len(machines)} machines in {spent:.1f} CPU-s")
    print(f"seeds that broke a promise: {wrong}" if wrong else "every promise was kept")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
