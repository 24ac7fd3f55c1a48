"""`python -m tests.simulation --seed N --trace`: one storm again; `--seeds N`: many, and what they came to.

`--every`: one calm story with one death each, at every wait and at every commit of it. `--jobs 2` plays on two cores.
"""

import argparse
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace

from tests.simulation import every
from tests.simulation.driver import ignore
from tests.simulation.play import play
from tests.simulation.weather import Weather, dice

SHARE = 25
"""Seeds that one process plays at a time."""


@dataclass
class CameTo:
    """What some storms came to; `waited` and `died` are lines of the product, and ways that lead to them."""

    seeds: int = 0
    happened: Counter[str] = field(default_factory=Counter)
    sessions: Counter[str] = field(default_factory=Counter)
    did: Counter[str] = field(default_factory=Counter)
    waited: set[str] = field(default_factory=set)
    died: set[str] = field(default_factory=set)
    wrong: list[int] = field(default_factory=list)
    spent_s: float = 0.0

    def add(self, other: "CameTo") -> None:
        """Add what others came to."""
        for name in self.__dataclass_fields__:
            mine, more = getattr(self, name), getattr(other, name)
            setattr(self, name, mine | more if isinstance(mine, set) else mine + more)

    def tell(self) -> None:
        """Print it."""
        print(f"{self.seeds} storms in {self.spent_s:.1f} CPU-s; sessions {dict(self.sessions)}")
        if self.happened:
            print(f"others did {dict(sorted(self.did.items()))}")
            print(f"faults {dict(self.happened)}")
        for what, is_one in (("lines of the code", _is_line), ("ways to them", _is_way)):
            waited, died = set(filter(is_one, self.waited)), set(filter(is_one, self.died))
            print(f"died at {len(died & waited)} of {len(waited)} {what} at which anything waited")
        print(f"those that broke a promise: {sorted(self.wrong)}" if self.wrong else "every promise was kept")


def _is_line(place: str) -> bool:
    return bool(place) and " > " not in place


def _is_way(place: str) -> bool:
    return " > " in place


def weather_of(seed: int, actors: str | None) -> Weather | None:
    """Return a seed's weather with others who are there; None where nothing is said of them."""
    if actors is None:
        return None
    return replace(Weather.drawn(dice(f"weather {seed}")), actors=frozenset(filter(None, actors.split(","))))


def some(seeds: Iterable[int], actors: str | None, trace: Callable[[str], None] = ignore) -> CameTo:
    """Play these seeds."""
    found, begun = CameTo(), time.process_time()
    for seed in seeds:
        found.seeds += 1
        waited: dict[str, int] = {}
        try:
            one, counted = play(seed, weather=weather_of(seed, actors), trace=trace, survey=waited)
        except Exception as error:  # noqa: BLE001 - whatever it is, its seed is what helps
            found.wrong.append(seed)
            print(f"seed {seed}: {type(error).__name__}: {error}", flush=True)
            if trace is not ignore:
                traceback.print_exc()
            continue
        found.happened.update(one.faults.happened)
        found.sessions.update(counted)
        for actor in one.actors:
            found.did.update(actor.did)
        found.waited |= waited.keys()
        found.died |= one.faults.died_at | one.faults.died_on
    found.spent_s = time.process_time() - begun
    return found


def _every(actors: str | None) -> int:
    """Play one story with one death each."""
    story = replace(every.STORY, actors=frozenset(filter(None, (actors or "").split(","))))
    begun, found = time.process_time(), CameTo()
    places: dict[str, int] = {}
    sessions, waits, commits = every.told(story, places)
    found.waited |= places.keys()
    for weather in every.deaths(story, range(1, waits + 1), range(1, commits + 1)):
        found.seeds += 1
        try:
            found.died |= every.with_one_death(weather, sessions)
        except Exception as error:  # noqa: BLE001 - which death it is helps
            found.wrong.append(found.seeds)
            print(f"crash_at={weather.crash_at} crash_commit={weather.crash_commit}: {error}", flush=True)
    print(f"one death at each of {waits} waits, one before and one after each of {commits} commits")
    found.spent_s = time.process_time() - begun
    found.tell()
    return 1 if found.wrong else 0


def main() -> int:
    asked = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    asked.add_argument("--seed", type=int, help="play this one")
    asked.add_argument("--trace", action="store_true", help="print what happens")
    asked.add_argument("--seeds", type=int, default=500, help="how many to play")
    asked.add_argument("--first", type=int, default=1, help="the first of them")
    asked.add_argument("--jobs", type=int, default=1, help="processes to play them in")
    asked.add_argument("--actors", help="who is there in each, comma-separated; without it that is drawn")
    asked.add_argument("--every", action="store_true", help="one death at every wait and commit of one story")
    args = asked.parse_args()
    if args.every:
        return _every(args.actors)
    seeds = [args.seed] if args.seed is not None else range(args.first, args.first + args.seeds)
    if args.jobs == 1 or args.seed is not None:
        found = some(seeds, args.actors, print if args.trace else ignore)
    else:
        found = CameTo()
        shares = [seeds[at : at + SHARE] for at in range(0, len(seeds), SHARE)]
        with ProcessPoolExecutor(args.jobs) as pool:
            for one in pool.map(some, shares, [args.actors] * len(shares)):
                found.add(one)
    found.tell()
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
