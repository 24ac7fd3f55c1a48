"""The demo: a world on loopback, the story told in plain words, the result as JSON."""

import asyncio
import contextlib
import json
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from wattseal.base.errors import WattsealError
from wattseal.lab.crew import Crew
from wattseal.lab.demo import inside, money, shown
from wattseal.lab.demo.middle import sit_in_the_middle
from wattseal.lab.demo.story import Outcomes, Say, Story, charge_honestly
from wattseal.lab.dice import Dice
from wattseal.lab.scene import CHECKPOINT_S, HEARTBEAT_S, Stations, prepare
from wattseal.lab.world import World


@dataclass(frozen=True, slots=True)
class Demo:
    """What to play: `seed` varies ids, energies and tampered positions; `once` ends after the story."""

    root: Path
    seed: int
    once: bool
    result: Path | None


async def play(demo: Demo, say: Say) -> bool:
    """Play the whole story; return whether every expectation held. No process outlives this call."""
    dice = Dice(demo.seed)
    stations = Stations(f"CS-A-{dice.word(4)}", f"CS-B-{dice.word(4)}", f"CS-C-{dice.word(4)}")
    scene = prepare(demo.root, stations, f"MTR{dice.number(10_000_000, 99_999_999)}")
    say(f"Everything is under {demo.root}.")
    say(f"A demo's cadence: a checkpoint every {CHECKPOINT_S} s, a signed heartbeat every {HEARTBEAT_S} s.")
    told = Outcomes()
    async with aiohttp.ClientSession() as session, Crew(demo.root / "logs") as crew:
        world = World(scene, crew, session)
        story = Story(world, dice, dice.word(14), dice.word(14), say, told)
        try:
            say("Two witnesses, the driver's provider (eMSP) and the operator (CPO) start, each a process of its own.")
            await world.start()
            await world.enrol(story.id_token, story.private_token)
            await charge_honestly(story)
            await sit_in_the_middle(story)
            await inside.edit_the_database(story)
            await inside.roll_back_the_log(story)
            await world.start_cpo()
            await money.bill_the_driver(story)
            await money.leave_unbilled(story)
            await money.settle_a_dispute(story)
            await shown.edit_what_is_shown(story)
            await shown.tell_where(story)
        except WattsealError as error:
            told.broken.append(f"{error} ({error.subject})")
        ok = not told.broken
        _finish(demo, told, scene.trust, say, ok=ok)
        if ok and not demo.once:
            say(f"Alive until Ctrl-C: operator {world.cpo_url}, provider {world.emsp_url}.")
            await _until_interrupted()
    return ok


def _finish(demo: Demo, told: Outcomes, trust: Path, say: Say, *, ok: bool) -> None:
    for broken in told.broken:
        say(f"EXPECTED OTHERWISE: {broken}")
    result: dict[str, Any] = {"trust": str(trust), "sessions": told.sessions, "tampering": told.tampering}
    result |= {"money": told.money, "pages": told.shown, "ok": ok}
    if demo.result is not None:
        demo.result.write_text(json.dumps(result, indent=2) + "\n")
    if told.sessions:
        say(f"Check a bundle yourself: wattseal verify --trust {trust} {told.sessions[0]['bundle']}")
    say("Every expectation held." if ok else "Not every expectation held: see above, and the logs.")


async def _until_interrupted() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    with contextlib.suppress(asyncio.CancelledError):
        await stop.wait()
