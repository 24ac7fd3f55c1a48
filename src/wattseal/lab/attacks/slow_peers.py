"""T32: sockets that never finish their request, frames a byte at a time, clients that ask and never read."""

import asyncio
import json
import time
from contextlib import AsyncExitStack

import aiohttp

from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.crew import LabError
from wattseal.lab.grounds.alone import Alone
from wattseal.lab.lab import Lab
from wattseal.lab.means.dialler import Line
from wattseal.lab.means.raw import TEXT, Raw, connected, frame, request, upgraded
from wattseal.lab.null import take_out
from wattseal.serve import websocket
from wattseal.serve.websocket import WebSocketServer

HONEST, COMES_LATE = "ST1", "ST2"
UNDECIDED, SLOW = 200, 260
"""Sockets that may wait at the door: a fifth of the product's, so that fewer do for the attack; and his."""
TRICKLING, DEAF, ASKED = 10, 5, 2_000
BEATS, PAUSE_S = 60, 0.05


async def _perform(lab: Lab) -> Found:
    return await _slow_down(lab, "slow_peers:small")


async def _control(lab: Lab) -> Found:
    return await _slow_down(lab, "slow_peers")


def small() -> None:
    """Have less room at the door, and every defence."""
    take_out(websocket, "MAX_UNDECIDED", UNDECIDED)


def undefend() -> None:
    """Let those who are at the door stay there, however long they take."""

    def nobody_goes(_server: WebSocketServer) -> bool:
        return False

    small()
    take_out(WebSocketServer, "make_room", nobody_goes)
    take_out(websocket, "REQUEST_TIMEOUT_S", 3600.0)


async def _slow_down(lab: Lab, undefend: str) -> Found:
    async with lab.alone(undefend=undefend) as cpo, AsyncExitStack() as his:
        attackers = [f"SLOW{number:02}" for number in range(TRICKLING + DEAF)]
        for station in (HONEST, COMES_LATE, *attackers):
            await cpo.enrol(station)
        async with cpo.station(HONEST) as honest:
            await honest.boot()
            calm = await _beats(honest)
            trickling = [await _opened(his, cpo, station) for station in attackers[:TRICKLING]]
            for station in attackers[TRICKLING:]:
                await _ask_and_never_read(await _opened(his, cpo, station))
            for number in range(SLOW):
                raw = await his.enter_async_context(connected(cpo.ocpp))
                await raw.send(request(cpo.ocpp, f"NOBODY{number}", "x")[:40])
            dripping = asyncio.create_task(_drip(trickling))
            try:
                came_s = await _dial(cpo)
                rough = await _beats(honest)
            except (LabError, aiohttp.ClientError) as error:
                return Found(Outcome.MISSED, f"{SLOW} slow sockets at the door keep a station out: {error}")
            finally:
                dripping.cancel()
    figures = (
        Figure("a station's slowest answer of 60, in calm", calm * 1000, "ms"),
        Figure("the same among slow peers", rough * 1000, "ms"),
        Figure("until a station that dials meanwhile is in", came_s * 1000, "ms"),
    )
    text = (
        f"among {SLOW} sockets at the door (room for {UNDECIDED}), {TRICKLING} that send a byte at a time and {DEAF} "
    )
    text += (
        f"that never read {ASKED} answers each, all {BEATS} heartbeats were answered and a station that dialled came in"
    )
    return Found(Outcome.BOUNDED, text, figures=figures)


async def _beats(honest: Line) -> float:
    slowest = 0.0
    for _ in range(BEATS):
        began = time.monotonic()
        await honest.call("Heartbeat", {})
        slowest = max(slowest, time.monotonic() - began)
        await asyncio.sleep(PAUSE_S)
    return slowest


async def _opened(his: AsyncExitStack, cpo: Alone, station: str) -> Raw:
    return await his.enter_async_context(upgraded(cpo.ocpp, station, cpo.passwords[station]))


async def _ask_and_never_read(raw: Raw) -> None:
    asked = b"".join(frame(TEXT, json.dumps([2, f"n{n}", "Heartbeat", {}]).encode()) for n in range(ASKED))
    raw.writer.write(asked)


async def _drip(raws: list[Raw]) -> None:
    """Send a message in each connection, a byte at a time, without an end."""
    for byte in frame(TEXT, b"[" + b" " * 4_000):
        for raw in raws:
            await raw.send(bytes([byte]))
        await asyncio.sleep(PAUSE_S)


async def _dial(cpo: Alone) -> float:
    began = time.monotonic()
    async with cpo.station(COMES_LATE) as line:
        await line.boot()
        return time.monotonic() - began


ATTACK = Attack(
    line="T32",
    title="peers that are slow on purpose: at the door, in their frames, in reading",
    steps=(
        f"{TRICKLING} connections of stations send a frame a byte at a time, {DEAF} ask {ASKED} times and read nothing",
        f"{SLOW} sockets send the beginning of a request and no more; there is room for {UNDECIDED}",
        "a station that is connected sends heartbeats; another one dials",
    ),
    defence="the slowest at the door makes room for the next, answers held are bounded, what is never finished is "
    "dropped after a while",
    without="whoever stands at the door may stay there",
    residual="others' answers take a few times as long while many never read; none is lost, none waits for them",
    expected=Outcome.BOUNDED,
    ground=Ground.ALONE,
    perform=_perform,
    control=_control,
)
