"""T41: after an outage all stations dial in the same moment, and say again what was never acknowledged to them."""

import asyncio
import itertools
import time

from wattseal.crypto.passwords import digest_password
from wattseal.flow.charges import charge
from wattseal.flow.documents import put_station
from wattseal.flow.ports import Batch
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.grounds.clockwork import Clockwork, Line
from wattseal.lab.grounds.door import Door, at_the_door
from wattseal.lab.lab import Lab
from wattseal.lab.null import swapped
from wattseal.model.station import EvseEnrolment, Station

HERD, SMALL_HERD, MANY = 400, 40, 5_000
WITHIN_S = 300.0
CARD, CHARGING, PASSWORD = "CARD0001", "CHARGING1", "one password of all"
DRAWN_WH, MINUTES = 7_000, 45


async def _perform(lab: Lab) -> Found:
    return await _stampede(lab, HERD)


async def _control(lab: Lab) -> Found:
    counted = itertools.count()

    def never_the_same(*_: object) -> str:
        return f"start:{next(counted)}"

    with swapped(charge, "start_key", never_the_same):
        return await _stampede(lab, SMALL_HERD)


async def _stampede(lab: Lab, herd: int) -> Found:
    names = [f"HERD{number:04}" for number in range(herd)]
    async with lab.clockwork() as cpo, at_the_door(cpo) as door:
        await _enrol(cpo, door, [CHARGING, *names])
        await cpo.token(CARD)
        for name in names:
            await Line(cpo, name).start16(CARD, 0, 0)
        await cpo.restart()
        async with door.station(CHARGING) as line:
            await line.boot()
            began = time.monotonic()
            coming = asyncio.gather(*(_comes_back(cpo, door, name) for name in names))
            slowest_s = 0.0
            while not coming.done():
                asked = time.monotonic()
                await line.call("Heartbeat", {})
                slowest_s = max(slowest_s, time.monotonic() - asked)
                await asyncio.wait({coming}, timeout=0.1)
            await coming
            took_s = time.monotonic() - began
        sessions = await cpo.transactions()
    whole = sum(not each.active and each.end_wh == DRAWN_WH for each in sessions)
    if len(sessions) != herd or whole != herd or took_s * MANY / herd > WITHIN_S:
        text = f"{herd} stations have {len(sessions)} sessions, {whole} of them whole, after {took_s:.0f} s"
        return Found(Outcome.MISSED, text)
    figures = (
        Figure("stations back and rid of their queues", herd / took_s, "1/s"),
        Figure(f"{MANY} at that rate", took_s * MANY / herd, "s"),
        Figure("slowest heartbeat of another station meanwhile", slowest_s * 1000, "ms"),
    )
    text = (
        f"{herd} stations (not {MANY}: on one machine with their CSMS) were back in {took_s:.1f} s, passwords checked; "
    )
    text += f"{herd} starts that came twice are {len(sessions)} sessions, all ended"
    return Found(Outcome.BOUNDED, text, took_s, figures=figures)


async def _enrol(cpo: Clockwork, door: Door, names: list[str]) -> None:
    """Enrol all of them with one password: to make one digest takes as long as to check it."""
    digest = digest_password(PASSWORD.encode(), bytes(16))
    for name in names:
        station = Station(id=name, evses=(EvseEnrolment(id=1),), password_digest=digest)
        await cpo.world.journal.commit(Batch(cpo.world.tenant, puts=(put_station(station, cpo.world.now_ms()),)))
        door.passwords[name] = PASSWORD


async def _comes_back(cpo: Clockwork, door: Door, name: str) -> None:
    """Dial, boot, say the start again that was never acknowledged, and the stop that waits."""
    async with door.station(name) as line:
        await line.boot()
        told = {"connectorId": 1, "idTag": CARD, "meterStart": 0, "timestamp": cpo.at()}
        number = (await line.call("StartTransaction", told))["transactionId"]
        stop = {"transactionId": number, "meterStop": DRAWN_WH, "timestamp": cpo.at(MINUTES), "reason": "Local"}
        await line.call("StopTransaction", stop)


ATTACK = Attack(
    line="T41",
    title=f"{HERD} stations dial in the same moment, each with a queue",
    steps=(
        f"{HERD} stations begin charges; what the CSMS answers to their starts is lost on the way",
        "the CSMS is restarted: it has checked nobody's password yet",
        "all dial at once, boot, tell the start again and the stop",
        "another station sends heartbeats meanwhile",
    ),
    defence="passwords are checked beside the event loop, commits share flushes, and a start told twice is one",
    without="a start that is told again is another start",
    residual="on a machine with more to do than this one it takes longer; stations spread their tries by "
    "themselves "
    "where they keep to the standard",
    expected=Outcome.BOUNDED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
