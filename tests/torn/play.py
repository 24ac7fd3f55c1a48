"""Play power cuts and damage from a seed: one machine that works, many disks that it leaves."""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random

from tests.conftest import MEMORY, in_memory
from tests.torn.damage import damaged
from tests.torn.edge import hold_edge, work_at_edge
from tests.torn.hold import hold, hold_damaged
from tests.torn.machine import Image, Machine
from tests.torn.work import Worked, work

STEPS, EDGE_STEPS = 330, 120
"""A machine takes about so many steps."""
WHOLE = 8
"""Of so many disks one is worked with further, and re-proved."""
Told = Callable[[str], None]


def dice(seed: str) -> Random:
    """Return what draws faults, the same for the same seed."""
    return Random(seed)  # noqa: S311 - it draws faults, not keys


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="wattseal-torn-", dir=MEMORY if in_memory() else None) as folder:
        yield Path(folder)


def cuts(seed: int, count: int, told: Told = lambda _: None) -> Counter[str]:
    """Cut the power of a CPO's machine so many times; returns during what. Raises `TornError`."""

    async def play(folder: Path) -> Counter[str]:
        machine = Machine(folder / "run", dice(f"{seed} disk"), _moments(seed, count, STEPS))
        worked = await work(machine, dice(f"{seed} work"))
        for number, image in enumerate(machine.images):
            told(image.where)
            further = number % WHOLE == seed % WHOLE
            await hold(image, machine, folder / str(number), worked.minutes, further=further)
        return _during(machine.images)

    with _folder() as folder:
        return asyncio.run(play(folder))


def edge_cuts(seed: int, count: int, told: Told = lambda _: None) -> Counter[str]:
    """Cut the power of an edge so many times."""

    async def play(folder: Path) -> Counter[str]:
        moments = _moments(seed, count, EDGE_STEPS)
        machine = Machine(folder / "run", dice(f"{seed} disk"), moments, journal="edge.db")
        await work_at_edge(machine, dice(f"{seed} work"))
        for number, image in enumerate(machine.images):
            told(f"edge: {image.where}")
            await hold_edge(image, machine, folder / str(number))
        return _during(machine.images)

    with _folder() as folder:
        return asyncio.run(play(folder))


def damages(seed: int, count: int, told: Told = lambda _: None, *, first: int = 0) -> Counter[str]:
    """Damage a CPO's disk in so many ways, each time another; returns what came of it. Raises `TornError`."""

    async def play(folder: Path) -> Counter[str]:
        machine = Machine(folder / "run", dice(f"{seed} disk"))
        worked = await work(machine, dice(f"{seed} work"))
        came: Counter[str] = Counter()
        for number in range(first, first + count):
            image = _damaged(worked, dice(f"{seed} damage {number}"), f"damage {number}")
            told(image.where)
            came[await hold_damaged(image, machine, folder / str(number))] += 1
        return came

    with _folder() as folder:
        return asyncio.run(play(folder))


def without_log(seed: int) -> None:
    """Take all files of the log away: it is built again from the journal. Raises `TornError`."""

    async def play(folder: Path) -> None:
        machine = Machine(folder / "run", dice(f"{seed} disk"))
        worked = await work(machine, dice(f"{seed} work"))
        left = {name: data for name, data in worked.closed.files.items() if not name.startswith("log/")}
        await hold(replace(worked.closed, files=left), machine, folder / "again", worked.minutes, further=True)

    with _folder() as folder:
        asyncio.run(play(folder))


def _damaged(worked: Worked, drawn: Random, name: str) -> Image:
    image = worked.closed if drawn.random() < 0.3 else worked.busy
    files, what = damaged(image.files, drawn)
    return replace(image, files=files, where=f"{name}: {what}")


def _moments(seed: int, count: int, steps: int) -> frozenset[int]:
    return frozenset(dice(f"{seed} moments").sample(range(1, steps), min(count, steps - 1)))


def _during(images: list[Image]) -> Counter[str]:
    return Counter(image.where.partition(", ")[2] for image in images)
