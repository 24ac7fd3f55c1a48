"""T36: a message that this program stumbles over stands at the head of a station's queue."""

from typing import Any

from wattseal.app import processing
from wattseal.flow.dead_letters import DEAD_LETTER, DeadLetter
from wattseal.flow.documents import read
from wattseal.flow.handle import begin
from wattseal.flow.ports import Unflushed
from wattseal.flow.world import World
from wattseal.lab.attack import Attack, Found, Ground, Outcome
from wattseal.lab.grounds.clockwork import Clockwork
from wattseal.lab.grounds.door import at_the_door
from wattseal.lab.lab import Lab
from wattseal.lab.means.dialler import CallRefusedError, Line
from wattseal.lab.null import swapped
from wattseal.model.principal import Principal
from wattseal.wire.ocpp.rpc import Call
from wattseal.wire.ocpp.version import Refusal, Version

STATION, CARD = "ST1", "CARD0001"
POISON_WH = 66_600
ATTEMPTS = 3
"""How often a station says a message again before it drops it (TransactionMessageAttempts, 1.6 section 9.1.27)."""


async def _perform(lab: Lab) -> Found:
    return await _poison(lab)


async def _control(lab: Lab) -> Found:
    async def drop(*_: object) -> None:
        return None

    with swapped(processing, "put_aside", drop):
        return await _poison(lab)


async def _stumbles(world: World, principal: Principal, version: Version, call: Call) -> bytes | Refusal | Unflushed:
    """Handle a message as ever, but with a fault that one register brings out."""
    if str(POISON_WH).encode() in call.raw:
        raise ZeroDivisionError
    return await begin(world, principal, version, call)


async def _poison(lab: Lab) -> Found:
    async with lab.clockwork() as cpo, at_the_door(cpo) as door:
        await door.enrol(STATION)
        await cpo.token(CARD)
        with swapped(processing, "begin", _stumbles):
            async with door.station(STATION) as line:
                await line.boot()
                tried = await _deliver(cpo, line)
        letters = await cpo.world.journal.documents(cpo.world.tenant, DEAD_LETTER)
        alarms = [each.code for each in await cpo.alarms()]
        ended = [each for each in await cpo.transactions() if not each.active]
    kept = len(letters) == 1 and str(POISON_WH).encode() in read(letters[0], DeadLetter).frame
    if not kept or len(ended) != 1:
        text = f"after {tried} attempts the station drops the stop of {POISON_WH} Wh; nobody has kept it"
        return Found(Outcome.MISSED, f"{text}; alarms: {', '.join(alarms) or 'none'}")
    text = f"one dead letter holds the frame as it came after {tried} attempt, alarm {', '.join(alarms)}"
    return Found(Outcome.BOUNDED, f"{text}; the charge behind it was recorded", records=1)


async def _deliver(cpo: Clockwork, line: Line) -> int:
    """Empty a queue as stations do: in order, each message until it is taken or has been tried often enough."""
    number = (await line.call("StartTransaction", _start(cpo, 0, 0)))["transactionId"]
    tried = await _insist(line, "StopTransaction", _stop(cpo, number, POISON_WH, 30))
    number = (await line.call("StartTransaction", _start(cpo, 70_000, 40)))["transactionId"]
    await _insist(line, "StopTransaction", _stop(cpo, number, 71_000, 50))
    return tried


async def _insist(line: Line, action: str, told: dict[str, Any]) -> int:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            await line.call(action, told)
        except CallRefusedError:
            continue
        return attempt
    return ATTEMPTS


def _start(cpo: Clockwork, wh: int, minutes: float) -> dict[str, Any]:
    cpo.move_to(minutes)
    return {"connectorId": 1, "idTag": CARD, "meterStart": wh, "timestamp": cpo.at(minutes)}


def _stop(cpo: Clockwork, number: int, wh: int, minutes: float) -> dict[str, Any]:
    cpo.move_to(minutes)
    return {"transactionId": number, "meterStop": wh, "timestamp": cpo.at(minutes), "reason": "Local"}


ATTACK = Attack(
    line="T36",
    title="a stop that this program fails on stands at the head of a station's queue",
    steps=(
        "plant a fault in this program that one register brings out",
        f"charge until the register shows it; the station tells the stop, up to {ATTEMPTS} times",
        "then it charges again and tells of that",
    ),
    defence="a message that cannot be processed is put aside whole, an alarm says so, and the station is thanked",
    without="the station is answered with the error, again and again, and then drops it",
    residual="a person has to look at the dead letter; its charge is not billed before",
    expected=Outcome.BOUNDED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
