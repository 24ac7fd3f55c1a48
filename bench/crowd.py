"""Many stations on one `wattseal serve`: the memory of idle ones, and a herd that reconnects while others charge.

    python -m bench --only crowd

Memory: what the process's resident set grows by per station that has connected, booted and told its status. Herd: all
connections of many stations end at once, and all dial again with their passwords; meanwhile 200 others charge, a
message every quarter of a second each, and it is their answers that are timed.
"""

import http.client
import json
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from subprocess import Popen
from typing import Any
from urllib.parse import urlsplit

import psutil  # type: ignore[import-untyped] # no stubs installed
from bench.end_to_end import P99_MS, PACE_S, Server, load, started
from bench.load import PASSWORD, TOKEN, station_id
from bench.measure import Row, at_most

GROUP = "Many stations"
IDLE, HERD, CHARGING = 18_000, 5_000, 200
PROCESSES = 2
PER_STATION_KIB = 20
WARM = 50
"""Stations that connect before the memory is first looked at: what a process needs once is no station's."""


@contextmanager
def serving() -> Iterator[tuple[dict[str, Any], str, psutil.Process]]:
    """Run `wattseal serve` with what it told, its admin token and its process; strangers from this machine may come."""
    with tempfile.TemporaryDirectory() as folder:
        options = ("--ocpp-port", "0", "--http-port", "0", "--json", "--insecure-dev")
        with started("wattseal", "serve", "--data", folder, *options) as (process, line):
            token = (Path(folder) / "admin-token").read_text().strip()
            yield json.loads(line), token, psutil.Process(process.pid)


def post(http_url: str, token: str, what: str, bodies: list[dict[str, Any]]) -> None:
    """Post many of one kind over one connection."""
    connection = http.client.HTTPConnection(urlsplit(http_url).netloc, timeout=60)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    for body in bodies:
        connection.request("POST", f"/api/v1/{what}", json.dumps(body), headers)
        response = connection.getresponse()
        response.read()
        assert response.status < 300, f"{what}: {response.status}"
    connection.close()


def said(process: "Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def memory(idle: int) -> Row:
    """Return KiB per idle station."""
    with ExitStack() as stack:
        told, _, process = stack.enter_context(serving())

        def come(prefix: str, count: int) -> tuple["Popen[str]", str]:
            return stack.enter_context(started("bench.idle", told["ocpp"], prefix, str(count)))

        assert come("WARM", WARM)[1] == "ready\n"
        time.sleep(1)
        before = process.memory_info().rss
        for number in range(PROCESSES):
            assert come(f"IDLE{number}-", idle // PROCESSES)[1] == "ready\n"
        time.sleep(2)
        each_kib = (process.memory_info().rss - before) / (idle // PROCESSES * PROCESSES) / 1024
    target, met = at_most(each_kib / PER_STATION_KIB, 1)
    name = f"memory of an idle station, session state included, {idle:,} of them in one process"
    return Row(GROUP, name, each_kib, "KiB", each_kib / PER_STATION_KIB, f"{PER_STATION_KIB} KiB", target, met)


def herd(stations: int, charging: int, transactions: int) -> list[Row]:
    """Return the latency of stations that charge while others come back, and how long those take."""
    with ExitStack() as stack:
        told, token, process = stack.enter_context(serving())
        post(told["http"], token, "tokens", [{"id_token": TOKEN, "type": "ISO14443", "status": "Accepted"}])
        names = [station_id(number) for number in range(charging)]
        names += [f"HERD{number}-{each:05}" for number in range(PROCESSES) for each in range(stations // PROCESSES)]
        bodies = [{"id": name, "password": PASSWORD, "evses": [{"id": 1}]} for name in names]
        post(told["http"], token, "stations", bodies)
        crowd = [
            stack.enter_context(
                started(
                    "bench.idle",
                    told["ocpp"],
                    f"HERD{number}-",
                    str(stations // PROCESSES),
                    "--password",
                    PASSWORD,
                )
            )
            for number in range(PROCESSES)
        ]
        assert all(line == "ready\n" for _, line in crowd)
        server = Server("herd", told["ocpp"], process)
        run = stack.enter_context(load(server, charging, transactions))
        calm = run(PACE_S)
        for generator, _ in crowd:
            print(file=generator.stdin, flush=True)
        rough = run(PACE_S)
        back = [json.loads(said(generator)) for generator, _ in crowd]
    all_s, most_s = max(b["all_s"] for b in back), max(b["p99_s"] for b in back)
    target, met = at_most(rough["p99_ms"] / P99_MS, 1)
    came = f"99 % of them in {most_s:.1f} s"
    name = f"p99 of {charging} charging stations while {stations:,} others reconnect"
    note = f"p50 {rough['p50_ms']:.1f} ms; in calm p50 {calm['p50_ms']:.1f} ms, p99 {calm['p99_ms']:.1f} ms"
    return [
        Row(GROUP, name, rough["p99_ms"], "ms", rough["p99_ms"] / P99_MS, f"{P99_MS} ms", target, met, note),
        Row(GROUP, f"{stations:,} stations back, passwords checked", all_s, "s", note=came),
    ]


def measure(*, quick: bool = False) -> list[Row]:
    """Return memory and latencies; fewer stations where the limit of open files is low."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        room = (hard if hard > 0 else IDLE + 2000) - 1000
        idle, many, transactions = (200, 100, 1) if quick else (min(IDLE, room), min(HERD, room), 2)
        return [memory(idle), *herd(many, 20 if quick else CHARGING, transactions)]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
