"""The load: many stations, each with one OCPP call under way, in a process of its own.

    python -m bench.load URL --stations 200 --transactions 4 [--signed meter|messages]

Without `--signed` nothing is; with `meter` the meter signs begin and end of each transaction once; with `messages` the
stations speak 2.0.1 and sign every message (part 4, chapter 7).

Connects every station and lets it charge once. Then, each time: prepares its messages, prints "ready", starts at a
line on standard input that says how many seconds lie between two messages of a station (0: as soon as it is answered),
and prints one line of JSON: messages answered, seconds, latencies, how many answers were errors. Ends with its input.
"""

import argparse
import asyncio
import itertools
import json
import re
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from hashlib import sha256
from typing import Any

import picows
import uvloop
from bench.messages import (
    HEARTBEATS,
    METER_VALUES,
    frame,
    meter_values,
    start_transaction,
    stop_transaction,
    transaction_event,
)

from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.crypto.message_keys import read_message_certificate, self_signed
from wattseal.evidence.ocmf_build import MeterState, ReadingToSign, build
from wattseal.evidence.ocpp_jws_build import MessageSigner

TOKEN = "BENCH-TOKEN"  # noqa: S105 - an id tag
PASSWORD = "password-of-a-bench"  # noqa: S105 - of stations that live as long as the benchmark
TRANSACTION = 1_999_999_999
"""Stands in a prepared frame for the id that the server will give."""
_GIVEN = re.compile(rb'"transactionId":\s*(\d+)')
BEGIN = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=20)
"""Stations tell times of the last day: what is older is noted as late."""
STEP_WH, LENGTH = 250, timedelta(minutes=15)


def station_id(number: int) -> str:
    return f"BENCH{number:04}"


def meter_key(number: int) -> SigningKey:
    """Return the key of a station's meter."""
    return SigningKey.from_seed(Algorithm.ESP256, sha256(b"bench meter %d" % number).digest())


@cache
def message_certificate(number: int) -> bytes:
    """Return the certificate (PEM) under which a station signs its messages."""
    return self_signed(meter_key(number), station_id(number), number + 1, BEGIN)


@cache
def _signer(number: int) -> MessageSigner:
    certificate = message_certificate(number)
    return MessageSigner(meter_key(number), read_message_certificate(certificate).thumbprint)


def prepare_signed(number: int, nth: int) -> list[bytes]:
    """Return the frames of a station's nth transaction in 2.0.1, each message signed."""
    begin, start_wh = BEGIN + nth * LENGTH, 1000 + nth * STEP_WH * (METER_VALUES + 1)
    calls: list[tuple[str, dict[str, Any]]] = []
    for n in range(METER_VALUES + 2):
        kind = "Started" if n == 0 else "Updated" if n <= METER_VALUES else "Ended"
        at = (begin + timedelta(minutes=n)).strftime("%Y-%m-%dT%H:%M:%SZ")
        name = f"{number:08}-0000-4000-8000-{nth:012}"
        calls.append(("TransactionEvent", transaction_event(kind, name, n, start_wh + n * STEP_WH, at)))
        if n and n % 3 == 0 and n <= 3 * HEARTBEATS:
            calls.append(("Heartbeat", {}))
    frames = []
    for n, (action, payload) in enumerate(calls):
        message_id = f"{number:08}-0000-4000-8000-{nth:06}{n:06}"
        jws = _signer(number).sign(json.dumps(payload, separators=(",", ":")).encode(), action, 2)
        frames.append(b'[2,"%b","%b-Signed",%b]' % (message_id.encode(), action.encode(), jws))
    return frames


def prepare(number: int, nth: int, *, signed: bool) -> list[bytes]:
    """Return the frames of a station's nth transaction, `TRANSACTION` standing for the id in all but the first."""
    begin, start_wh = BEGIN + nth * LENGTH, 1000 + nth * STEP_WH * (METER_VALUES + 1)
    stop_wh = start_wh + STEP_WH * (METER_VALUES + 1)

    def at(minute: int) -> str:
        return (begin + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%SZ")

    calls = [("StartTransaction", start_transaction(start_wh, TOKEN) | {"timestamp": at(0)})]
    for n in range(1, METER_VALUES + 1):
        payload = meter_values(TRANSACTION, start_wh + n * STEP_WH, 0)
        payload["meterValue"][0]["timestamp"] = at(n)
        calls.append(("MeterValues", payload))
        if n % 3 == 0 and n <= 3 * HEARTBEATS:
            calls.append(("Heartbeat", {}))
    stop = stop_transaction(TRANSACTION, stop_wh) | {"timestamp": at(METER_VALUES + 1)}
    if signed:
        stop["transactionData"] = [
            {"timestamp": at(METER_VALUES + 1), "sampledValue": [_signed(number, nth, begin, start_wh, stop_wh)]}
        ]
    calls.append(("StopTransaction", stop))
    ids = (f"{number:08}-0000-4000-8000-{nth:06}{n:06}" for n in range(len(calls)))
    return [frame(message_id, action, payload) for message_id, (action, payload) in zip(ids, calls, strict=True)]


def _signed(number: int, nth: int, begin: datetime, start_wh: int, stop_wh: int) -> dict[str, str]:
    """Return the meter's own record of begin and end: one P-256 signature a transaction."""
    readings = [
        ReadingToSign(begin, "B", Decimal(start_wh)),
        ReadingToSign(begin + timedelta(minutes=METER_VALUES + 1), "E", Decimal(stop_wh)),
    ]
    record = build(MeterState(f"METER{number:04}", nth + 1), readings, meter_key(number))
    return {"value": record.decode(), "format": "SignedData", "context": "Transaction.End"}


class Station(picows.WSListener):
    """Sends a call when the one before is answered; `finished` is called at the end of its list."""

    def __init__(self, finished: Callable[[], None]) -> None:
        self._finished = finished
        self._frames: Iterator[bytes] = iter(())
        self._transport: picows.WSTransport | None = None
        self._transaction = b""
        self._due_at = 0.0
        self._pace_s = 0.0
        self.latencies_s: list[float] = []
        self.errors = 0

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        """Keep the connection."""
        self._transport = transport

    def charge(self, frames: list[bytes], begin_at: float, pace_s: float) -> None:
        """Send these, one after the other: each `pace_s` after the one before was due, or as fast as they are answered.

        A message that has to wait for an answer is late, and its latency counts from when it was due.
        """
        self._frames, self._due_at, self._pace_s = iter(frames), begin_at - pace_s, pace_s
        self._next()

    def _next(self) -> None:
        data = next(self._frames, None)
        if data is None:
            self._finished()
            return
        now = time.perf_counter()
        self._due_at = self._due_at + self._pace_s if self._pace_s else now
        if self._due_at > now:
            asyncio.get_running_loop().call_later(self._due_at - now, self._send, data)
        else:
            self._send(data)

    def _send(self, data: bytes) -> None:
        if b"StartTransaction" not in data:
            data = data.replace(b"%d" % TRANSACTION, self._transaction)
        assert self._transport is not None
        self._transport.send(picows.WSMsgType.TEXT, data)

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """Count the answer, send the next call."""
        del transport
        if frame.msg_type != picows.WSMsgType.TEXT:
            return
        self.latencies_s.append(time.perf_counter() - self._due_at)
        answer = frame.get_payload_as_bytes()
        if answer.startswith(b"[4"):
            self.errors += 1
        elif given := _GIVEN.search(answer):
            self._transaction = given[1]
        self._next()


async def main(url: str, stations: int, transactions: int, signed: str | None) -> None:
    def prepared(number: int, nth: int) -> list[bytes]:
        if signed == "messages":
            return prepare_signed(number, nth)
        return prepare(number, nth, signed=signed == "meter")

    subprotocol = "ocpp2.0.1" if signed == "messages" else "ocpp1.6"
    finished = asyncio.Semaphore(0)
    everyone = []
    for number in range(stations):
        user = b64encode(f"{station_id(number)}:{PASSWORD}".encode()).decode()
        headers = {"Sec-WebSocket-Protocol": subprotocol, "Authorization": f"Basic {user}"}
        target = f"{url}{station_id(number)}"
        _, station = await picows.ws_connect(lambda: Station(finished.release), target, extra_headers=headers)
        assert isinstance(station, Station)
        everyone.append(station)

    async def run(frames: list[list[bytes]], pace_s: float = 0) -> None:
        now = time.perf_counter()
        for number, (station, own) in enumerate(zip(everyone, frames, strict=True)):
            station.charge(own, now + pace_s * number / stations, pace_s)
        for _ in everyone:
            await finished.acquire()

    await run([prepared(number, 0) for number in range(stations)])
    for begin in itertools.count(1, transactions):
        nths = range(begin, begin + transactions)
        frames = [[f for nth in nths for f in prepared(number, nth)] for number in range(stations)]
        for station in everyone:
            station.latencies_s.clear()
        print("ready", flush=True)
        told_pace_s = await asyncio.to_thread(sys.stdin.readline)
        if not told_pace_s:
            return
        start = time.perf_counter()
        await run(frames, float(told_pace_s))
        wall_s = time.perf_counter() - start
        latencies_s = sorted(s for station in everyone for s in station.latencies_s)
        told = {
            "messages": len(latencies_s),
            "wall_s": wall_s,
            "p50_ms": 1e3 * latencies_s[len(latencies_s) // 2],
            "p99_ms": 1e3 * latencies_s[len(latencies_s) * 99 // 100],
            "errors": sum(station.errors for station in everyone),
        }
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--stations", type=int, default=200)
    parser.add_argument("--transactions", type=int, default=4)
    parser.add_argument("--signed", choices=("meter", "messages"))
    given = parser.parse_args()
    uvloop.run(main(given.url, given.stations, given.transactions, given.signed))
