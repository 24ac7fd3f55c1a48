"""T22: a second connection under a station's identity tries to push the station out."""

import asyncio
import time

import aiohttp

from wattseal.app.doorman import Doorman
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.crew import LabError
from wattseal.lab.grounds.alone import Alone
from wattseal.lab.lab import Lab
from wattseal.lab.means.dialler import dial
from wattseal.lab.null import take_out

STATION = "ST1"
TRIES, AT_ONCE = 1000, 50
BEATS_S = 0.2


async def _perform(lab: Lab) -> Found:
    return await _displace(lab, TRIES)


async def _control(lab: Lab) -> Found:
    return await _displace(lab, 1, undefend="displaced_station")


def undefend() -> None:
    """Let anybody in whatever the password."""

    async def knows(*_: object) -> bool:
        return True

    take_out(Doorman, "_knows", knows)


async def _displace(lab: Lab, tries: int, undefend: str | None = None) -> Found:
    async with lab.alone(undefend=undefend) as cpo:
        await cpo.enrol(STATION)
        async with cpo.station(STATION) as honest:
            await honest.boot()
            beats: list[float] = []
            done = asyncio.Event()

            async def beat() -> None:
                while not done.is_set():
                    began = time.monotonic()
                    await honest.call("Heartbeat", {})
                    beats.append(time.monotonic() - began)
                    await asyncio.sleep(BEATS_S)

            beating = asyncio.create_task(beat())
            got_in = await _try(cpo, lab, tries)
            done.set()
            try:
                await beating
                await honest.call("Heartbeat", {})
            except LabError as error:
                return Found(Outcome.MISSED, f"after {got_in} strangers came in the station was put out: {error}")
    if got_in:
        return Found(Outcome.MISSED, f"{got_in} of {tries} strangers came in")
    longest = Figure("longest heartbeat of the station meanwhile", max(beats) * 1000, "ms")
    text = f"{tries} wrong passwords answered 401; the station lost none of {len(beats)} heartbeats"
    return Found(Outcome.PREVENTED, text, figures=(longest,))


async def _try(cpo: Alone, lab: Lab, tries: int) -> int:
    """Try wrong passwords, many at once, and return how many opened the door."""
    waiting = asyncio.Semaphore(AT_ONCE)

    async def one(password: str) -> bool:
        async with waiting:
            try:
                async with dial(cpo.session, cpo.ocpp, STATION, password) as line:
                    await line.boot("STRANGER")
            except aiohttp.WSServerHandshakeError as error:
                if error.status == 401:
                    return False
                raise
            return True

    return sum(await asyncio.gather(*(one(lab.dice.word(20)) for _ in range(tries))))


ATTACK = Attack(
    line="T22",
    title="a thousand strangers dial in under a connected station's name",
    steps=(
        "a station is connected and sends heartbeats",
        f"{TRIES} connections are opened under its name with wrong passwords, {AT_ONCE} at a time",
        "look whether any gets in, and whether the station misses an answer or its connection",
    ),
    defence="a connection displaces an older one only after it has authenticated",
    without="the doorman takes any password",
    residual="whoever has the station's password, or its key, can take its place until that is changed or revoked",
    expected=Outcome.PREVENTED,
    ground=Ground.ALONE,
    perform=_perform,
    control=_control,
)
