"""`python -m tests.simulation --seed N --trace`: one storm again; `--seeds N`: many, and what they came to."""

import argparse
import sys
import time
import traceback
from collections import Counter
from dataclasses import replace

from tests.simulation.driver import ignore
from tests.simulation.play import play
from tests.simulation.weather import Weather, dice


def _weather(seed: int, actors: str | None) -> Weather | None:
    """Return a seed's weather with others who are there; None where nothing is said of them."""
    if actors is None:
        return None
    return replace(Weather.drawn(dice(f"weather {seed}")), actors=frozenset(filter(None, actors.split(","))))


def main() -> int:
    asked = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    asked.add_argument("--seed", type=int, help="play this one")
    asked.add_argument("--trace", action="store_true", help="print what happens")
    asked.add_argument("--seeds", type=int, default=500, help="how many to play")
    asked.add_argument("--first", type=int, default=1, help="the first of them")
    asked.add_argument("--actors", help="who is there in each, comma-separated; without it that is drawn")
    args = asked.parse_args()
    seeds = [args.seed] if args.seed is not None else range(args.first, args.first + args.seeds)
    begun, happened, sessions, places, wrong = time.process_time(), Counter[str](), Counter[str](), set[str](), []
    did = Counter[str]()
    for seed in seeds:
        try:
            one, counted = play(seed, weather=_weather(seed, args.actors), trace=print if args.trace else ignore)
        except Exception as error:  # noqa: BLE001 - whatever it is, its seed is what helps
            wrong.append(seed)
            print(f"seed {seed}: {type(error).__name__}: {error}")
            if args.seed is not None:
                traceback.print_exc()
            continue
        happened.update(one.faults.happened)
        for actor in one.actors:
            did.update(actor.did)
        sessions.update(counted)
        places |= one.faults.died_at
    spent = time.process_time() - begun
    print(f"{len(seeds)} seeds in {spent:.1f} CPU-s; sessions {dict(sessions)}")
    print(f"others did {dict(sorted(did.items()))}")
    print(f"faults {dict(happened)}; died at {len(places)} places of the code")
    print(f"seeds that broke a promise: {wrong}" if wrong else "every promise was kept")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
