"""An OCPP endpoint over real sockets for tests, and clients that are not ours."""

import asyncio
import base64
import datetime as dt
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from wattseal.flow.ports import Unflushed
from wattseal.net.websocket import Limits
from wattseal.serve.ocpp_ws import Admitted, Arrival, Endpoint, OcppServer, StationConnection
from wattseal.wire.ocpp.rpc import Call, Event
from wattseal.wire.ocpp.version import Refusal

NOW = dt.datetime(2024, 5, 1, tzinfo=dt.UTC)
PASSWORDS = {"CP1": b"sixteen-bytes-pw", "CP2": bytes(range(200, 216))}
PROMPT = (frozenset[str](), frozenset({"Heartbeat"}))
"""Handled in a task of its own, or where it is received."""
HEARTBEAT = '[2,"1","Heartbeat",{}]'


class Clock:
    def now(self) -> dt.datetime:
        return NOW


@dataclass
class World:
    """What the endpoint asks of its process, and what it told."""

    handled: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    came: list[tuple[str, int]] = field(default_factory=list)
    went: list[tuple[str, int]] = field(default_factory=list)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    is_ready: bool = True
    answer: Callable[[Call], Awaitable[bytes | Refusal | Unflushed]] | None = None
    count: int = 0
    prompt: frozenset[str] = frozenset()

    async def authenticate(self, arrival: Arrival) -> Admitted | None:
        assert arrival.remote == "127.0.0.1"
        await asyncio.sleep(0)
        known = PASSWORDS.get(arrival.station_id)
        return Admitted(arrival.station_id) if known is not None and arrival.password == known else None

    async def handle(self, connection: StationConnection, call: Call) -> bytes | Refusal | Unflushed:
        assert connection.is_open
        self.handled.append(call.message_id)
        if self.answer is not None:
            return await self.answer(call)
        return b'{"currentTime":"2024-05-01T00:00:00Z"}'

    def left(self, connection: StationConnection) -> None:
        self.went.append((connection.station_id, connection.generation))
        self.gone.set()

    def new_id(self) -> str:
        self.count += 1
        return f"c{self.count}"


@asynccontextmanager
async def serving(
    world: World, tls: ssl.SSLContext | None = None, **limits: Any
) -> AsyncIterator[tuple[OcppServer, str]]:
    server = OcppServer(
        Endpoint(
            authenticate=world.authenticate,
            handle=world.handle,
            clock=Clock(),
            new_message_id=world.new_id,
            ready=lambda: world.is_ready,
            connected=lambda c: world.came.append((c.station_id, c.generation)),
            disconnected=world.left,
            notice=lambda _, event: world.events.append(event),
            limits=replace(Limits(), **limits),
            prompt=world.prompt,
        )
    )
    port = await server.start("127.0.0.1", 0, tls)
    try:
        yield server, f"{'wss' if tls else 'ws'}://127.0.0.1:{port}/ocpp/"
    finally:
        await server.stop(grace_s=1)


def basic(user: str, password: bytes) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(user.encode() + b":" + password).decode()}


def dial(url: str, user: str = "CP1", *, protocols: tuple[str, ...] = ("ocpp1.6",), **options: Any) -> connect:
    options.setdefault("compression", None)
    return connect(
        url + user,
        subprotocols=[Subprotocol(name) for name in protocols],
        additional_headers=basic(user, PASSWORDS.get(user, b"x")),
        proxy=None,
        **options,
    )


async def ask(socket: ClientConnection, frame: str) -> Any:
    await socket.send(frame)
    return json.loads(await asyncio.wait_for(socket.recv(), 5))


async def closing(socket: ClientConnection) -> int:
    await asyncio.wait_for(socket.wait_closed(), 5)
    assert socket.close_code is not None
    return socket.close_code


async def status(url: str, **options: Any) -> int:
    with pytest.raises(InvalidStatus) as refused:
        async with connect(url, proxy=None, subprotocols=[Subprotocol("ocpp1.6")], **options):
            pass
    return refused.value.response.status_code


async def raw(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = url.removeprefix("ws://").removesuffix("/ocpp/").split(":")
    return await asyncio.open_connection(host, int(port))


async def upgrade(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *more: str) -> None:
    request = [
        "GET /ocpp/CP1 HTTP/1.1",
        "Host: localhost",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol: ocpp1.6",
        *(f"{name}: {value}" for name, value in basic("CP1", PASSWORDS["CP1"]).items()),
        *more,
    ]
    writer.write("\r\n".join([*request, "", ""]).encode())
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")


def masked(payload: bytes, first_byte: int = 0x81) -> bytes:
    assert len(payload) < 126
    return bytes([first_byte, 0x80 | len(payload), 0, 0, 0, 0]) + payload
