"""T33: a station floods the CSMS with status messages and pings, in front of its own stop and beside another's."""

import asyncio
import json
import time
from collections import Counter

from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.lab import Lab
from wattseal.lab.means.dialler import Line, now_text
from wattseal.lab.means.raw import PING, PONG, TEXT, Raw, frame, upgraded
from wattseal.lab.null import take_out
from wattseal.net import websocket
from wattseal.net.buckets import Allowance, Rates

HONEST, FLOODER, CARD = "ST1", "FLOOD1", "CARD0001"
STATUSES, PINGS = 4_000, 3_000
STOP_ID = "stop"
QUIET_S = 3.0
"""After so long without an answer there will be none."""


async def _perform(lab: Lab) -> Found:
    return await _flood(lab)


async def _control(lab: Lab) -> Found:
    return await _flood(lab, undefend="message_flood")


def undefend() -> None:
    """Handle whatever comes, and answer every ping."""

    def always(*_: object) -> bool:
        return True

    take_out(Allowance, "covers", always)
    take_out(websocket, "MAX_PONGS", 1 << 30)


async def _flood(lab: Lab, undefend: str | None = None) -> Found:
    async with lab.alone(undefend=undefend) as cpo:
        for station in (HONEST, FLOODER):
            await cpo.enrol(station)
        await cpo.token(CARD)
        async with cpo.station(FLOODER) as line:
            await line.boot()
            start = {"connectorId": 1, "idTag": CARD, "meterStart": 0, "timestamp": now_text()}
            number = (await line.call("StartTransaction", start))["transactionId"]
        async with cpo.station(HONEST) as honest, upgraded(cpo.ocpp, FLOODER, cpo.passwords[FLOODER]) as raw:
            await honest.boot()
            began = time.monotonic()
            answers = asyncio.create_task(_answers(raw))
            await _pour(raw, number)
            beat_s = await _slowest_beat(honest, answers)
            told = await answers
            took_s = time.monotonic() - began - QUIET_S
        transactions = await cpo.api("GET", f"/api/v1/transactions?station_id={FLOODER}")
    rates = Rates()
    bound = 2 * rates.messages + rates.messages_per_s * took_s
    stopped = told["stop"] == 1 and not transactions[0]["active"]
    figures = (
        Figure("status messages handled of those sent", told["handled"] / STATUSES * 100, "%"),
        Figure("pings answered of those sent", told["pongs"] / PINGS * 100, "%"),
        Figure("slowest heartbeat of another station meanwhile", beat_s * 1000, "ms"),
    )
    sums = f"{told['handled']} of {STATUSES} status messages handled, {told['refused']} refused at once"
    pongs = f"{told['pongs']} of {PINGS} pings answered"
    if told["handled"] > bound or told["pongs"] == PINGS or not stopped:
        stop = "the stop behind them was answered" if stopped else "the stop behind them was not"
        return Found(Outcome.MISSED, f"{sums}; {pongs}; {stop}", figures=figures)
    return Found(Outcome.BOUNDED, f"{sums}; {pongs}; the stop behind them is recorded", took_s, figures=figures)


async def _pour(raw: Raw, number: int) -> None:
    status = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
    pour = [frame(TEXT, json.dumps([2, f"s{n}", "StatusNotification", status]).encode()) for n in range(STATUSES)]
    stop = {"transactionId": number, "meterStop": 9_000, "timestamp": now_text(60), "reason": "Local"}
    pour.append(frame(TEXT, json.dumps([2, STOP_ID, "StopTransaction", stop]).encode()))
    pour.append(frame(PING, b"flood") * PINGS)
    raw.writer.write(b"".join(pour))


async def _answers(raw: Raw) -> Counter[str]:
    """Count what comes back until nothing more does."""
    told: Counter[str] = Counter(handled=0, refused=0, pongs=0, stop=0)
    while (found := await raw.receive(QUIET_S)) is not None:
        opcode, payload = found
        if opcode == PONG:
            told["pongs"] += 1
        elif opcode == TEXT:
            message = json.loads(payload)
            if message[1] == STOP_ID:
                told["stop"] += message[0] == 3
            else:
                told["handled" if message[0] == 3 else "refused"] += 1
    return told


async def _slowest_beat(honest: Line, answers: "asyncio.Task[Counter[str]]") -> float:
    slowest = 0.0
    while not answers.done():
        began = time.monotonic()
        await honest.call("Heartbeat", {})
        slowest = max(slowest, time.monotonic() - began)
        await asyncio.wait({answers}, timeout=0.1)
    return slowest


ATTACK = Attack(
    line="T33",
    title="a station sends thousands of status messages and pings at once",
    steps=(
        "a station charges, dials again and reads no answer until all is sent",
        f"it sends {STATUSES} status messages, then the stop of its charge, then {PINGS} pings",
        "another station sends heartbeats meanwhile",
    ),
    defence="a bucket of messages for each station, outside which transactions stand, and a bound on pings answered",
    without="everything is handled as it comes",
    residual="a burst of a thousand messages, then a hundred a second, are handled; what carries transactions is never "
    "refused and only read later",
    expected=Outcome.BOUNDED,
    ground=Ground.ALONE,
    perform=_perform,
    control=_control,
)
