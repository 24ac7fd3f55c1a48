"""Many storms, and what they came to together."""

import json
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.simulation import waits
from tests.simulation.actors import ACTORS
from tests.simulation.driver import ignore
from tests.simulation.play import play
from tests.simulation.weather import Weather, dice


@dataclass
class CameTo:
    """What some storms came to; `waited` and `died` are ways through the product at whose end something waited."""

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

    def tell(self, *, listed: bool = False) -> None:
        """Print it; with `listed` also which lines of the product that wait were never reached."""
        print(f"{self.seeds} storms in {self.spent_s:.1f} CPU-s; sessions {dict(self.sessions)}")
        if self.happened:
            print(f"others did {dict(sorted(self.did.items()))}")
            print(f"faults {dict(self.happened)}")
        print(f"died on {len(self.died & self.waited)} of {len(self.waited)} ways on which anything waited")
        waits.tell(self.waited, self.died, listed=listed)
        print(f"those that broke a promise: {sorted(self.wrong)}" if self.wrong else "every promise was kept")

    def keep(self, file: Path) -> None:
        """Write it down."""
        told: dict[str, Any] = {
            name: sorted(value) if isinstance(value, list | set) else value for name, value in vars(self).items()
        }
        del told["waited"], told["died"]
        told |= {"ways": len(self.waited), "ways_died_on": len(self.died & self.waited)}
        told |= waits.figures(self.waited, self.died)
        file.write_text(json.dumps(told, indent=1) + "\n")


def named(actors: str | None) -> frozenset[str] | None:
    """Return who is there: those named, comma-separated, or all; None where nothing is said of them."""
    if actors is None:
        return None
    return frozenset(ACTORS) if actors == "all" else frozenset(filter(None, actors.split(",")))


def weather_of(seed: int, actors: str | None) -> Weather | None:
    """Return a seed's weather with others who are there; None where nothing is said of them."""
    there = named(actors)
    return None if there is None else replace(Weather.drawn(dice(f"weather {seed}")), actors=there)


def some(seeds: Iterable[int], actors: str | None, trace: Callable[[str], None] = ignore) -> CameTo:
    """Play these seeds."""
    found, begun = CameTo(), time.process_time()
    for seed in seeds:
        found.seeds += 1
        survey: dict[str, list[int]] = {}
        try:
            one, counted = play(seed, weather=weather_of(seed, actors), trace=trace, survey=survey)
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
        found.waited |= survey.keys()
        found.died |= one.faults.died_on
    found.spent_s = time.process_time() - begun
    return found
