"""T19: answers to calls that were never made, or were answered, are to pass for a station's word."""

import asyncio
import json
import re

from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.crew import LabError
from wattseal.lab.grounds.alone import Alone
from wattseal.lab.lab import Lab
from wattseal.lab.means.dialler import Line
from wattseal.lab.null import take_out
from wattseal.wire.ocpp.rpc import Connection, Outstanding

STATION = "ST1"
FORGED = 100
METRICS = "[serve]\nmetrics_port = 0\n"
COUNTED = re.compile(r'^wattseal_events_total\{event="frames_ignored"\} ([0-9.]+)$', re.MULTILINE)


async def _perform(lab: Lab) -> Found:
    return await _forge(lab)


async def _control(lab: Lab) -> Found:
    return await _forge(lab, undefend="answer_nobody_asked_for")


def undefend() -> None:
    """Take any answer for that to the call that waits."""

    def settle(connection: Connection, _message_id: str) -> Outstanding | None:
        asked, connection.outstanding = connection.outstanding, None
        return asked

    take_out(Connection, "_settle", settle)


async def _forge(lab: Lab, undefend: str | None = None) -> Found:
    async with lab.alone(METRICS, undefend=undefend) as cpo:
        await cpo.enrol(STATION)
        async with cpo.station(STATION) as line:
            await line.boot()
            path = f"/api/v1/stations/{STATION}/commands/ClearCache"
            asking = asyncio.create_task(cpo.api("POST", path, {}))
            asked = await _asked(line)
            for number in range(FORGED):
                forged = asked[:-1] if number == 0 else lab.dice.word(len(asked)).lower()
                await line.send(json.dumps([3, forged, {"status": "Accepted"}]))
            await line.send(json.dumps([3, asked, {"status": "Rejected"}]))
            told = await asking
            await line.send(json.dumps([3, asked, {"status": "Accepted"}]))
            await line.call("Heartbeat", {})
            ignored = await _ignored(cpo)
    if told["status"] != "Rejected":
        return Found(Outcome.MISSED, f"the operator was told {told['status']}, the station had said Rejected")
    if ignored != FORGED + 1:
        return Found(Outcome.MISSED, f"{FORGED + 1} forged answers, {ignored} counted as ignored")
    text = f"the operator was told what the station said; wattseal_events frames_ignored is {ignored}"
    return Found(Outcome.PREVENTED, text, figures=(Figure("forged answers", FORGED + 1, ""),))


async def _asked(line: Line) -> str:
    """Wait for the call and return its message id."""
    while True:
        frame = await line.receive()
        if frame[0] == 2 and frame[2] == "ClearCache":
            return str(frame[1])


async def _ignored(cpo: Alone) -> int:
    """Read how many frames were ignored, as Prometheus would."""
    async with cpo.session.get(f"http://127.0.0.1:{cpo.ports['metrics']}/metrics") as answer:
        if answer.status != 200:
            raise LabError(f"/metrics: {answer.status}", subject="metrics")
        found = COUNTED.search(await answer.text())
    return 0 if found is None else int(float(found[1]))


ATTACK = Attack(
    line="T19",
    title="a hundred answers nobody asked for, before and after the true one",
    steps=(
        "let the operator send a command to a connected station",
        f"before the station answers, send {FORGED} answers under other message ids that say it was done",
        "let the station refuse the command, and then answer it a second time, otherwise",
    ),
    defence="an answer counts for the one call that waits, under its random message id, and once; others are counted",
    without="any answer is taken for that to the call that waits",
    residual="whoever reads the line knows the id of the call that waits: TLS, and signed answers, are against him",
    expected=Outcome.PREVENTED,
    ground=Ground.ALONE,
    perform=_perform,
    control=_control,
)
