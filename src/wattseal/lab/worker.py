"""A campaign's worker process: reads a task a line, plays it in a folder of its own, writes its result a line."""

import asyncio
import json
import os
import sys
import time
import traceback
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from wattseal.lab.attack import Found
from wattseal.lab.catalogue import catalogue
from wattseal.lab.dice import Dice
from wattseal.lab.lab import Lab, Worlds


async def work(root: Path, seed: int) -> None:
    """Play what standard input asks for until it ends; what anything prints goes to the log, never among results."""
    results = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    async with AsyncExitStack() as stack:
        worlds = Worlds(root / "world", stack)
        while line := await asyncio.to_thread(sys.stdin.readline):
            task = json.loads(line)
            told = await play(task["name"], task["part"], root, seed, worlds)
            results.write(json.dumps(told) + "\n")
            results.flush()


async def play(name: str, part: str, root: Path, seed: int, worlds: Worlds) -> dict[str, Any]:
    """Play one attack or its control and say what came of it."""
    attack = catalogue()[name]
    folder = root / f"{name}-{part}"
    folder.mkdir(parents=True)
    lab = Lab(folder, Dice(f"{seed}/{name}"), worlds)
    began = time.monotonic()
    found: Found | None = None
    trouble: str | None = None
    try:
        async with asyncio.timeout(attack.within_s):
            found = await (attack.perform if part == "perform" else attack.control)(lab)
    except TimeoutError:
        trouble = f"it did not end within {attack.within_s:g} s"
        traceback.print_exc()
    except Exception as error:  # noqa: BLE001 - one attack that breaks must not end the campaign
        trouble = f"{type(error).__name__}: {error}"
        traceback.print_exc()
    took_s = round(time.monotonic() - began, 3)
    return {"found": None if found is None else asdict(found), "trouble": trouble, "took_s": took_s}


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1]), int(sys.argv[2])))
