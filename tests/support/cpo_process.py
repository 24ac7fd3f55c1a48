"""A real `wattseal serve` process for tests, its HTTP API, and stations that dial it over real sockets."""

import asyncio
import atexit
import base64
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

ROOT = Path(__file__).parents[2]
PASSWORD = "0123456789abcdef"


@cache
def _zygote() -> subprocess.Popen[bytes]:
    """Return the process that all others are forks of; it takes seconds to start and ends with this one."""
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    script = str(ROOT / "tests" / "support" / "cpo_zygote.py")
    process = subprocess.Popen(  # noqa: S603 - this repository's own script
        [sys.executable, script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
    )

    def end() -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.wait(10)
        process.stdout.close()

    atexit.register(end)
    return process


@dataclass
class Nursery:
    """Where processes come from; `close` ends those still alive."""

    alive: set[int] = field(default_factory=set)

    def start(self, data: Path, **more: Any) -> "Cpo":
        settings = {"log": {"checkpoint_interval_s": 0.2}, **more.pop("settings", {})}
        told = {"data": str(data), "ocpp": 0, "http": 0, "settings": settings, **more}
        zygote = _zygote()
        assert zygote.stdin is not None
        assert zygote.stdout is not None
        zygote.stdin.write(json.dumps(told).encode() + b"\n")
        zygote.stdin.flush()
        said = json.loads(zygote.stdout.readline())
        self.alive.add(said["pid"])
        return Cpo(self, data, said["pid"], said["ocpp"], said["http"])

    def close(self) -> None:
        for pid in self.alive:
            _kill(pid, signal.SIGKILL)


def _kill(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Cpo:
    nursery: Nursery
    data: Path
    pid: int
    ocpp: int
    http: int

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        _kill(self.pid, number)

    async def gone(self) -> None:
        while _exists(self.pid):  # noqa: ASYNC110 - it is no child of this process
            await asyncio.sleep(0.005)
        self.nursery.alive.discard(self.pid)

    @property
    def token(self) -> str:
        return (self.data / "admin-token").read_text().strip()

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        sent = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.http}{path}",
            data,
            sent | {name.replace("_", "-"): value for name, value in headers.items()},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - same
                return Answer(response.status, _lower(response.headers), response.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, _lower(error.headers), error.read())

    async def asked(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        return await asyncio.to_thread(lambda: self.ask(method, path, body, **headers))

    def enrol(self, station: str, **more: Any) -> None:
        answer = self.ask("POST", "/api/v1/stations", {"id": station, "password": PASSWORD, **more})
        assert answer.status in {200, 201}, answer

    def add_token(self, value: str = "CARD", status: str = "Accepted") -> None:
        body = {"id_token": value, "type": "ISO14443", "status": status}
        assert self.ask("POST", "/api/v1/tokens", body).status == 201

    def dial(self, station: str, version: str = "ocpp1.6", password: str = PASSWORD) -> connect:
        credentials = base64.b64encode(f"{station}:{password}".encode()).decode()
        return connect(
            f"ws://127.0.0.1:{self.ocpp}/ocpp/{station}",
            subprotocols=[Subprotocol(version)],
            additional_headers={"Authorization": f"Basic {credentials}"},
            open_timeout=20,
        )


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@dataclass
class Caller:
    """Calls over one connection, one at a time."""

    socket: ClientConnection
    number: int = 0

    async def call(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        answer = await self.raw(action, payload)
        assert answer[0] == 3, answer
        told: dict[str, Any] = answer[2]
        return told

    async def raw(self, action: str, payload: dict[str, Any]) -> list[Any]:
        self.number += 1
        return await self.send(json.dumps([2, f"{os.urandom(4).hex()}-{self.number}", action, payload]))

    async def send(self, text: str) -> list[Any]:
        await self.socket.send(text)
        answer: list[Any] = json.loads(await asyncio.wait_for(self.socket.recv(), 20))
        return answer
