"""`python -m tests.simulation --seed N --trace`: one storm again; `--seeds N`: many, and what they came to.

`--every`: one calm story with one death each, at every wait and at every commit of it; in parts, and going on where it
was left (`--part 1/4 --state FILE`). `--jobs 2` plays on two cores, `--lines` lists what was never reached.
"""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.simulation import every
from tests.simulation.campaign import CameTo, some
from tests.simulation.driver import ignore

SHARE = 25
"""Seeds that one process plays at a time."""


def main() -> int:
    asked = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    asked.add_argument("--seed", type=int, help="play this one")
    asked.add_argument("--trace", action="store_true", help="print what happens")
    asked.add_argument("--seeds", type=int, default=500, help="how many to play")
    asked.add_argument("--first", type=int, default=1, help="the first of them")
    asked.add_argument("--jobs", type=int, default=1, help="processes to play them in")
    asked.add_argument("--actors", help="who is there in each, comma-separated, or all; without it that is drawn")
    asked.add_argument("--lines", action="store_true", help="list the lines that wait and were never reached")
    asked.add_argument("--keep", type=Path, help="a file for what they came to")
    asked.add_argument("--every", action="store_true", help="one death at every wait and commit of one story")
    asked.add_argument("--part", type=every.part, default=(1, 1), help="with --every: which part of how many, as 1/4")
    asked.add_argument("--deaths", type=int, default=0, help="with --every: so many at most on each way to a line")
    asked.add_argument("--state", type=Path, help="with --every: what has been played, to go on from there")
    args = asked.parse_args()
    if args.every:
        found = every.all_deaths(args.actors or "", args.part, args.deaths, args.state, args.jobs)
    else:
        found = _storms(args)
    found.tell(listed=args.lines)
    if args.keep is not None:
        found.keep(args.keep)
    return 1 if found.wrong else 0


def _storms(args: argparse.Namespace) -> CameTo:
    seeds = [args.seed] if args.seed is not None else range(args.first, args.first + args.seeds)
    if args.jobs == 1 or args.seed is not None:
        return some(seeds, args.actors, print if args.trace else ignore)
    found = CameTo()
    shares = [seeds[at : at + SHARE] for at in range(0, len(seeds), SHARE)]
    with ProcessPoolExecutor(args.jobs) as pool:
        for one in pool.map(some, shares, [args.actors] * len(shares)):
            found.add(one)
    return found


if __name__ == "__main__":
    sys.exit(main())
