"""T24: a connection that is dead and not closed is meant to keep its station out, and commands waiting."""

import asyncio
import time

from wattseal.flow.commands import Done, Unanswered
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.grounds.door import Door, at_the_door
from wattseal.lab.lab import Lab
from wattseal.lab.means.dialler import Line
from wattseal.lab.null import swapped
from wattseal.model.remote import CacheClearRequested
from wattseal.net.keepalive import Keepalive
from wattseal.net.websocket import Limits

DEAD, COMES_BACK = "DEAD1", "BACK1"
BOUNDS = Limits(ping_interval_s=0.6, ping_timeout_s=0.4)
"""A fiftieth of the product's."""
WAIT_S, LOOK_S = 20.0, 0.02


async def _perform(lab: Lab) -> Found:
    return await _zombies(lab)


async def _control(lab: Lab) -> Found:
    def nobody(*_: object) -> None:
        pass

    with swapped(Keepalive, "watch", nobody):
        return await _zombies(lab, WAIT_S / 4)


async def _zombies(lab: Lab, wait_s: float = WAIT_S) -> Found:
    async with lab.clockwork() as cpo, at_the_door(cpo, BOUNDS) as door:
        for station in (DEAD, COMES_BACK):
            await door.enrol(station)
        async with (
            door.station(DEAD, autoping=False, autoclose=False),
            door.station(COMES_BACK, autoping=False, autoclose=False),
        ):
            began = time.monotonic()
            async with door.station(COMES_BACK) as back:
                await back.boot()
                heard = await _heard(door, back)
                back_s = time.monotonic() - began
            for _ in range(round(wait_s / LOOK_S)):
                if not door.is_connected(DEAD):
                    break
                await asyncio.sleep(LOOK_S)
            gone_s = time.monotonic() - began
            outcome = await door.command(DEAD, CacheClearRequested(), 0.5)
    if not heard or not (isinstance(outcome, Unanswered) and outcome.reason == "offline"):
        text = f"after {gone_s / BOUNDS.ping_interval_s:.0f} ping intervals a dead station still counts as connected: "
        return Found(Outcome.MISSED, f"{text}a command to it: {getattr(outcome, 'reason', 'answered')}")
    figures = (
        Figure("ping intervals until a dead connection is gone", gone_s / BOUNDS.ping_interval_s, "intervals"),
        Figure("until a station that dials again is heard, its dead connection open", back_s * 1000, "ms"),
    )
    text = f"the dead one was dropped and a command to it is 'offline'; the other was let in after {back_s:.2f} s"
    return Found(Outcome.BOUNDED, text, gone_s, figures=figures)


async def _heard(door: Door, line: Line) -> bool:
    playing = asyncio.create_task(line.obey())
    outcome = await door.command(COMES_BACK, CacheClearRequested(), WAIT_S)
    playing.cancel()
    return isinstance(outcome, Done)


ATTACK = Attack(
    line="T24",
    title="two connections go dead without a word; one station dials again, one does not",
    steps=(
        "two stations are connected; from then on nothing comes of either, not even the answer to a ping",
        "one of them dials again over another way, while its dead connection is open",
        "the operator sends that one a command, and waits until the other counts as gone",
    ),
    defence="silence is pinged and, unanswered, dropped; a newer connection takes an older one's place at once",
    without="nobody looks after silent connections",
    residual="for at most two ping intervals (a minute with the product's bounds) commands to a dead station wait",
    expected=Outcome.BOUNDED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
