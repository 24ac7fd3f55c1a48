"""T25: passwords of a station are tried out, many at a time, while the station itself comes and goes."""

import asyncio
import time

import aiohttp

from wattseal.app.doorman import Doorman
from wattseal.app.patience import Patience
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.grounds.door import Door, at_the_door
from wattseal.lab.lab import Lab
from wattseal.lab.means.dialler import dial
from wattseal.lab.null import swapped
from wattseal.rules.guessing import TRIES

STATION = "ST1"
WEAK = "password-{:08d}"
"""Sixteen characters, and no more than this many of them likely: what a careless installer sets."""
AT_ONCE, PLACE = 8, 60
"""The true one is so far down his list."""
PATIENCE_S = 6.0
"""How long he tries: then the operator has read the alarm and shuts him out. Where there is none he goes on."""
UNDISTURBED_S = 40.0
COMES_AFTER_S = 0.5


async def _perform(lab: Lab) -> Found:
    return await _guess(lab, PATIENCE_S)


async def _control(lab: Lab) -> Found:
    async def at_once(*_: object) -> None:
        pass

    async def untold(*_: object, **__: object) -> None:
        pass

    with swapped(Patience, "punish", at_once), swapped(Doorman, "_note_refusal", untold):
        return await _guess(lab, UNDISTURBED_S)


async def _guess(lab: Lab, patience_s: float) -> Found:
    async with lab.clockwork() as cpo, at_the_door(cpo) as door:
        await door.enrol(STATION, WEAK.format(PLACE))
        began = time.monotonic()
        guessing = asyncio.create_task(_wave(door, patience_s))
        honest_s = await _comes_home(door, guessing)
        tried, got_in = await guessing
        took_s = time.monotonic() - began
        alarms = [each for each in await cpo.alarms() if each.code == "password_guessing"]
    figures = (
        Figure("passwords tried a second at one station", tried / took_s, "1/s"),
        Figure("dialling of the real station meanwhile", honest_s * 1000, "ms"),
    )
    if got_in or len(alarms) != 1:
        came = f"he is in with password number {tried}" if got_in else f"{tried} passwords were tried"
        return Found(Outcome.MISSED, f"{came} after {took_s:.1f} s; {len(alarms)} alarms")
    (alarm,) = alarms
    text = f"alarm {alarm.code} of {alarm.station_id}: {alarm.field} {alarm.detail}; {tried} tried in {took_s:.1f} s, "
    text += "the station itself was let in from the same address"
    return Found(Outcome.BOUNDED, text, took_s, records=TRIES, figures=figures)


async def _wave(door: Door, patience_s: float) -> tuple[int, bool]:
    """Try passwords from the top of the list; return how many were tried, and whether one opened the door."""
    left, until = iter(range(1, PLACE + 1)), time.monotonic() + patience_s
    tried: list[bool] = []

    async def one_after_another() -> None:
        for number in left:
            tried.append(await _opens(door, WEAK.format(number)))
            if tried[-1] or time.monotonic() > until:
                return

    await asyncio.gather(*(one_after_another() for _ in range(AT_ONCE)))
    return len(tried), any(tried)


async def _opens(door: Door, password: str) -> bool:
    try:
        async with dial(door.session, door.url, STATION, password):
            return True
    except aiohttp.WSServerHandshakeError as error:
        if error.status == 401:
            return False
        raise


async def _comes_home(door: Door, guessing: "asyncio.Task[tuple[int, bool]]") -> float:
    """Dial as the real station in the middle of it, from the same address, and stay; return how long it waited."""
    await asyncio.sleep(COMES_AFTER_S)
    began = time.monotonic()
    async with door.station(STATION) as line:
        await line.boot()
        waited_s = time.monotonic() - began
        await asyncio.wait({guessing})
    return waited_s


ATTACK = Attack(
    line="T25",
    title="a station's weak password is tried out, many connections at a time",
    steps=(
        f"a station has a password of which there are {PLACE} likely ones",
        f"try them in turn, {AT_ONCE} at a time, from the address that the station has as well",
        "meanwhile the station itself dials in",
        "go on until one opens the door, or an alarm has had somebody shut him out",
    ),
    defence="each refusal at one station from one address waits longer, and so many of them raise one alarm with "
    "figures; a right password never waits",
    without="refusals are told at once, and nobody is told of them",
    residual="a few tries a second from each address, ten times that for who does not wait for refusals; a station's "
    "success forgives the tries from its own address",
    expected=Outcome.BOUNDED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
