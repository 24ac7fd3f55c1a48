"""T35: a station takes every call and answers none, so that the operator's commands to others wait behind it."""

import asyncio
import time

from wattseal.app.lines import StationLines
from wattseal.base.ids import StationId
from wattseal.flow.commands import Done
from wattseal.flow.ports import Silence
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.grounds.door import at_the_door
from wattseal.lab.lab import Lab
from wattseal.lab.null import swapped
from wattseal.model.remote import CacheClearRequested
from wattseal.wire.ocpp.rpc import CallError, CallResult

DEAF, OTHERS = "DEAF1", ("ST1", "ST2", "ST3")
TO_THE_DEAF = 40
DEAF_S, OTHERS_S = 4.0, 2.5
"""How long each waits for its answer."""


async def _perform(lab: Lab) -> Found:
    return await _hold_up(lab)


async def _control(lab: Lab) -> Found:
    """Ask one station at a time, whichever it is."""
    one_queue, call = asyncio.Lock(), StationLines.call

    async def in_line(
        lines: StationLines, station_id: StationId, action: str, payload: bytes, timeout_s: float
    ) -> CallResult | CallError | Silence:
        try:
            async with asyncio.timeout(timeout_s), one_queue:
                return await call(lines, station_id, action, payload, timeout_s)
        except TimeoutError:
            return Silence.TIMED_OUT

    with swapped(StationLines, "call", in_line):
        return await _hold_up(lab)


async def _hold_up(lab: Lab) -> Found:
    async with lab.clockwork() as cpo, at_the_door(cpo) as door:
        for station in (DEAF, *OTHERS):
            await door.enrol(station)
        async with (
            door.station(DEAF) as deaf,
            door.station(OTHERS[0]) as one,
            door.station(OTHERS[1]) as two,
            door.station(OTHERS[2]) as three,
        ):
            playing = [asyncio.create_task(line.obey()) for line in (one, two, three)]
            waiting = [
                asyncio.create_task(door.command(DEAF, CacheClearRequested(), DEAF_S)) for _ in range(TO_THE_DEAF)
            ]
            await asyncio.sleep(0.2)
            began = time.monotonic()
            asked = [door.command(station, CacheClearRequested(), OTHERS_S) for station in OTHERS]
            outcomes = await asyncio.gather(*asked)
            took_s = time.monotonic() - began
            await deaf.call("Heartbeat", {})
            refused = [await each for each in waiting]
            for each in playing:
                each.cancel()
    answered = sum(isinstance(outcome, Done) for outcome in outcomes)
    reasons = sorted({getattr(outcome, "reason", "answered") for outcome in refused})
    if answered < len(OTHERS):
        return Found(Outcome.MISSED, f"{len(OTHERS) - answered} of {len(OTHERS)} other stations could not be asked")
    text = f"all {answered} others answered meanwhile; of {TO_THE_DEAF} calls to the deaf one: {', '.join(reasons)}"
    slowest = Figure("three commands to others while one station answers nothing", took_s * 1000, "ms")
    return Found(Outcome.BOUNDED, text, figures=(slowest,))


ATTACK = Attack(
    line="T35",
    title="a station takes all calls and answers none",
    steps=(
        "a station stays connected and never answers a call",
        f"the operator sends it {TO_THE_DEAF} commands, more than may wait for one station",
        "meanwhile three other stations are sent commands, and the deaf one sends a heartbeat",
    ),
    defence="each station has its own bounded queue of calls, and each call its deadline",
    without="calls to all stations wait in one queue",
    residual="commands to the deaf station itself end with `timed_out` or `busy`",
    expected=Outcome.BOUNDED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
