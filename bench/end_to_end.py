"""OCPP 1.6 messages answered per CPU-second of the server process: `wattseal serve` against the usual Python stack.

    python -m bench --only end_to_end

Five real servers run side by side and are loaded in turn by the same generator: N stations on open connections, each
with one call under way, charging again and again (start, ten meter values of ~499 bytes, three heartbeats, stop).
What counts is the CPU time that the server process, all its threads included, has used meanwhile.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped] # no stubs installed
from bench.load import PASSWORD, STEP_WH, TOKEN, message_certificate, meter_key, station_id
from bench.measure import Row, at_least, at_most
from bench.messages import MESSAGES_EACH, METER_VALUES

GROUP = "End to end, OCPP 1.6"
ROOT = Path(__file__).parents[1]
P99_MS = 25
PACE_S = 0.25
Told = dict[str, float]
PLAIN, ECHO = "wattseal serve", "picows echo, does nothing"
EVERY = "wattseal serve, OCPP 2.0.1, every message signed and verified, every answer signed"


@dataclass(slots=True)
class Server:
    """A server under measurement and what each round gave."""

    name: str
    url: str
    process: psutil.Process
    signed: str | None = None
    rounds: list[dict[str, float]] = field(default_factory=list)

    def cpu_s(self) -> float:
        """Return the CPU seconds of the process and its children so far."""
        family = [self.process, *self.process.children(recursive=True)]
        return sum(sum(each.cpu_times()[:2]) for each in family)

    def loop_s(self) -> float:
        """Return the CPU seconds of the process's main thread, the event loop, so far."""
        times = {thread.id: float(thread.user_time + thread.system_time) for thread in self.process.threads()}
        return times[int(self.process.pid)]

    def median(self, what: str) -> float:
        """Return the median of the rounds."""
        return statistics.median(r[what] for r in self.rounds)


@contextmanager
def started(*command: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a Python module and yield the process and its first line; stop it at the end."""
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    process = subprocess.Popen(  # noqa: S603 - our own modules
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process, _line(process)
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def yardstick(which: str, name: str) -> Iterator[Server]:
    """Run one of bench/yardsticks.py."""
    with started("bench.yardsticks", which) as (process, port):
        yield Server(name, f"ws://127.0.0.1:{int(port)}/ocpp/", psutil.Process(process.pid))


@contextmanager
def wattseal(name: str, stations: int, signed: str | None = None) -> Iterator[Server]:
    """Run `wattseal serve` on a directory of its own, with its stations and a token enrolled.

    `signed` says what is: a record of each transaction by its "meter", all "messages" by their stations, or nothing.
    """
    with tempfile.TemporaryDirectory() as folder:
        options = ("--ocpp-port", "0", "--http-port", "0", "--json")
        with started("wattseal", "serve", "--data", folder, *options) as (process, line):
            told = json.loads(line)
            token = (Path(folder) / "admin-token").read_text().strip()
            _post(told["http"], "tokens", token, {"id_token": TOKEN, "type": "ISO14443", "status": "Accepted"})
            for number in range(stations):
                _post(told["http"], "stations", token, _enrolment(number, signed))
            yield Server(name, told["ocpp"], psutil.Process(process.pid), signed)
            _check_kept(told["http"], token, signed)


def _enrolment(number: int, signed: str | None) -> dict[str, Any]:
    evse: dict[str, Any] = {"id": 1}
    if signed == "meter":
        evse |= {"meter_serial": f"METER{number:04}", "meter_public_key": meter_key(number).public.spki.hex()}
    enrolled: dict[str, Any] = {"id": station_id(number), "password": PASSWORD, "evses": [evse]}
    if signed == "messages":
        enrolled |= {"signed_messages": True, "message_certificates": [message_certificate(number).decode()]}
    return enrolled


def _check_kept(http: str, token: str, signed: str | None) -> None:
    """Make sure that what was measured was charging: a station's transactions are billed, where signed by the meter."""
    kept = _ask(f"{http}/api/v1/transactions?station_id={station_id(0)}&active=false", token)
    assert kept
    for transaction in kept:
        assert transaction["billing"] == "billed", transaction
        assert transaction["energy_wh"] == str(STEP_WH * (METER_VALUES + 1)), transaction
        assert transaction["source"] == ("meter" if signed == "meter" else "csms"), transaction
        verdicts = [v["verdict"] for v in transaction["verdicts"]]
        assert verdicts == ["VALID"] * {None: 0, "meter": 1, "messages": METER_VALUES + 2}[signed], transaction


def _post(http: str, what: str, token: str, body: dict[str, Any]) -> None:
    _ask(f"{http}/api/v1/{what}", token, json.dumps(body).encode())


def _ask(url: str, token: str, body: bytes | None = None) -> Any:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, body, headers)  # noqa: S310 - http to loopback
    with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - as above
        return json.load(response)


@contextmanager
def load(server: Server, stations: int, transactions: int) -> Iterator[Callable[[float], Told]]:
    """Connect the stations to a server; yield what lets all of them charge, at a pace, and returns what came of it."""
    size = ("--stations", str(stations), "--transactions", str(transactions))
    with started("bench.load", server.url, *size, *(("--signed", server.signed) if server.signed else ())) as (
        generator,
        line,
    ):
        assert line == "ready\n", f"the load on {server.name} failed"

        def run(pace_s: float) -> Told:
            before_s, loop_s = server.cpu_s(), server.loop_s()
            print(pace_s, file=generator.stdin, flush=True)
            told: Told = json.loads(_line(generator))
            cpu_s, loop_s = server.cpu_s() - before_s, server.loop_s() - loop_s
            assert told["errors"] == 0, f"{server.name} answered {told['errors']} calls with errors"
            assert told["messages"] == stations * transactions * MESSAGES_EACH
            assert _line(generator) == "ready\n"
            return told | {"per_cpu_s": told["messages"] / cpu_s, "loop": loop_s / cpu_s}

        yield run


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def measure(*, quick: bool = False, stations: int = 200, rounds: int = 5, transactions: int = 4) -> list[Row]:
    """Return messages per CPU-second of each server, against the peer and against the echo."""
    if quick:
        stations, rounds, transactions = 20, 1, 2
    with ExitStack() as stack:
        peer = stack.enter_context(yardstick("peer", "`ocpp` + websockets + uvloop, stores nothing"))
        echo = stack.enter_context(yardstick("echo", ECHO))
        plain = stack.enter_context(wattseal(PLAIN, stations))
        name = "wattseal serve, a meter signature per transaction verified"
        signed = stack.enter_context(wattseal(name, stations, "meter"))
        every = stack.enter_context(wattseal(EVERY, stations, "messages"))
        servers = (peer, echo, plain, signed, every)
        loads = [
            stack.enter_context(load(server, stations, transactions * (4 if server is echo else 1)))
            for server in servers
        ]
        for _ in range(rounds):
            for server, run in zip(servers, loads, strict=True):
                server.rounds.append(run(0))
        paced = loads[servers.index(plain)](PACE_S)
    rate = {server.name: server.median("per_cpu_s") for server in servers}
    rows = []
    for server in servers:
        wanted = {plain.name: 10, signed.name: 9, every.name: 2.8}.get(server.name)
        ratio = rate[server.name] / rate[peer.name]
        target, met = at_least(ratio, wanted) if wanted else ("", None)
        p50_ms, p99_ms = server.median("p50_ms"), server.median("p99_ms")
        note = f"p50 {p50_ms:.1f} ms, p99 {p99_ms:.1f} ms; {server.median('loop'):.0%} of the CPU in the event loop"
        rows.append(
            Row(GROUP, server.name, rate[server.name], "msg/CPU-s", ratio, "the usual stack", target, met, note)
        )
    share = rate[plain.name] / rate[echo.name]
    target, met = at_least(share, 0.35)
    rows.append(Row(GROUP, "wattseal serve, share of the echo", 100 * share, "%", share, "the echo", target, met))
    for what, p99_ms in (
        ("at full load", plain.median("p99_ms")),
        (f"{stations / PACE_S:.0f} messages a second", paced["p99_ms"]),
    ):
        target, met = at_most(p99_ms / P99_MS, 1)
        name = f"wattseal serve, p99 at N = {stations}, {what}"
        rows.append(Row(GROUP, name, p99_ms, "ms", p99_ms / P99_MS, f"{P99_MS} ms", target, met))
    return rows
