"""T04: somebody without credentials asks for everything there is, well and badly, and reads every answer."""

import asyncio
import json
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field

from litestar import Response

from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.crew import free_port
from wattseal.lab.grounds.alone import Alone
from wattseal.lab.lab import Lab
from wattseal.lab.null import take_out
from wattseal.log.tiles import TileRef
from wattseal.serve.api import app
from wattseal.serve.api.problems import Req

STATION, CARD, INSIDE = "CANARYSTATION", "CANARYCARD77", "CANARYINSIDE"
SIGNS = ("Traceback", 'File "', ".py", "site-packages", "SQLITE", "sqlite3", "Python/", "aiohttp/", "uvicorn", INSIDE)
"""What tells of the inside, beside the names of a station and a card, and the directory."""
BODIES: tuple[bytes | None, ...] = (None, b"{", b'{"a":' * 200, b'{"id":1e999}', b"\xff\xfe")
PUBLIC = ("/healthz", "/readyz", "/api/v1/log/checkpoint")


async def _perform(lab: Lab) -> Found:
    return await _ask(lab, "telling_errors:fault")


async def _control(lab: Lab) -> Found:
    return await _ask(lab, "telling_errors")


def fault() -> None:
    """Plant a fault that anybody can run into: a tile of the log whose name cannot be read."""

    def stumbles(name: str) -> TileRef:
        raise RuntimeError(f"{INSIDE}: {name}")

    take_out(TileRef, "parse", stumbles)


def undefend() -> None:
    """Plant it, and tell whoever runs into it what happened."""

    def tell(_request: Req, error: Exception) -> Response[str]:
        return Response("".join(traceback.format_exception(error)), status_code=500)

    fault()
    take_out(app, "on_defect", tell)


@dataclass(slots=True)
class _Read:
    """What he has read: how many answers, and what in them tells anything."""

    signs: tuple[str, ...]
    answers: int = 0
    let_in: set[str] = field(default_factory=set)
    statuses: set[int] = field(default_factory=set)
    told: set[str] = field(default_factory=set)

    def take(self, where: str, status: int, text: str) -> None:
        self.answers += 1
        self.statuses |= {status} - {0}
        if 200 <= status < 300 and where.startswith("/api/v1/") and where not in PUBLIC:
            self.let_in.add(where)
        self.told |= {f"{sign} in {where}" for sign in self.signs if sign in text}


async def _ask(lab: Lab, undefend: str) -> Found:
    metrics = free_port()
    async with lab.alone(f"[serve]\nmetrics_port = {metrics}\n", undefend=undefend) as cpo:
        await cpo.enrol(STATION)
        await cpo.token(CARD)
        async with cpo.station(STATION) as line:
            await line.boot()
        read = _Read((*SIGNS, STATION, CARD, str(cpo.data)))
        routes = list(await _routes(cpo))
        for number, (method, path) in enumerate(routes):
            await _one(cpo, read, method, path, BODIES[number % len(BODIES)])
        for method, path in _odd():
            await _one(cpo, read, method, path, None)
        await _scrape(cpo, read, metrics)
        await _raw(cpo, read)
    if read.told or read.let_in:
        told = "; ".join(sorted(read.told | read.let_in)[:5])
        return Found(Outcome.MISSED, f"{len(read.told)} answers of {read.answers} tell something: {told}")
    statuses = ", ".join(map(str, sorted(read.statuses)))
    text = f"{read.answers} answers of {len(routes)} routes, with {statuses}, and the metrics name no station, card, "
    text += "file or line; the planted fault is told as `defect` and no more"
    return Found(Outcome.PREVENTED, text, figures=(Figure("answers read", read.answers, "answers"),))


async def _routes(cpo: Alone) -> list[tuple[str, str]]:
    """Return every method and path of the API's own document, its variables filled with names that are there."""
    async with cpo.asked("GET", "/api/docs/openapi.json") as answer:
        paths = json.loads(await answer.read())["paths"]
    return [
        (method.upper(), "/".join(STATION if part.startswith("{") else part for part in path.split("/")))
        for path, methods in paths.items()
        for method in methods
        if method in {"get", "post", "put", "patch", "delete"}
    ]


def _odd() -> Iterator[tuple[str, str]]:
    """Yield what no document names."""
    for path in (
        "/api/v1/log/tile/0/x00/000",
        "/metrics",
        "/api/v1/../../etc/passwd",
        "/api/v1/stations?limit=-1",
        "/api/v1/stations?limit=%00",
        f"/api/v1/stations/{STATION}%2f..%2f",
        "/%ff%fe",
        "/uploads/" + "A" * 43,
        "/r/" + "0" * 32,
        "/.env",
        f"/stations/{STATION}",
        f"/sessions/{STATION}",
    ):
        yield "GET", path
        yield "TRACE", path


async def _one(cpo: Alone, read: _Read, method: str, path: str, body: bytes | None) -> None:
    for headers in ({}, {"Authorization": "Bearer " + "A" * 43}):
        kind = {"Content-Type": "application/json"} if body is not None else {}
        async with cpo.session.request(
            method, cpo.http + path, data=body, headers=headers | kind, allow_redirects=False
        ) as answer:
            heads = "\n".join(f"{name}: {value}" for name, value in answer.headers.items() if name != "Location")
            text = heads + (await answer.read()).decode(errors="replace")
            read.take(path, answer.status, text.replace(path, ""))


async def _scrape(cpo: Alone, read: _Read, port: int) -> None:
    """Read the metrics, which the operator has opened on this machine."""
    async with cpo.session.get(f"http://127.0.0.1:{port}/metrics") as answer:
        told = [line for line in (await answer.text()).splitlines() if "python_info" not in line]
    read.take("/metrics", answer.status, "\n".join((*map(str, answer.headers.items()), *told)))


async def _raw(cpo: Alone, read: _Read) -> None:
    """Say to both ports what is no HTTP, or no WebSocket."""
    for port in cpo.ports.values():
        if not isinstance(port, int):
            continue
        for said in (
            b"\x16\x03\x01\x00\xff",
            b"GET / HTTP/9.9\r\n\r\n",
            f"GET /ocpp/{STATION} HTTP/1.1\r\n\r\n".encode(),
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(said + b"\r\n\r\n")
            try:
                async with asyncio.timeout(3):
                    answer = await reader.read(65536)
            except (TimeoutError, ConnectionError):
                answer = b""
            writer.close()
            read.take(f"port {port}", 0, answer.decode(errors="replace"))


ATTACK = Attack(
    line="T04",
    title="somebody without credentials reads error bodies, stack traces and metrics",
    steps=(
        "plant a fault of this program that anybody can run into",
        "ask every route of the API without a token and with a wrong one, with bodies that are none",
        "ask for paths that no document names, run into the fault, scrape the metrics, say nonsense to both ports",
        "search all answers for a station, a card, the directory and lines of program",
    ),
    defence="who is not known learns no more than that; a fault of ours is told by one word, and logged here",
    without="a fault is told with its stack trace",
    residual="which routes there are is public; metrics count what happens here and are open to who reaches their "
    "port, which is off by default",
    expected=Outcome.PREVENTED,
    ground=Ground.ALONE,
    perform=_perform,
    control=_control,
)
