"""Dialling a CSMS over real sockets: agreeing on a version, coming back, asking and being asked."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from websockets.asyncio.server import ServerConnection, serve

from wattseal.base.ids import StationId
from wattseal.dial.ocpp import Backoff, Behaviour, Surroundings, Target, Uplink
from wattseal.net.conversation import Disconnected
from wattseal.serve.ocpp_ws import Admitted, Arrival, Endpoint, OcppServer, StationConnection
from wattseal.wire.ocpp.rpc import Call, CallResult
from wattseal.wire.ocpp.version import Refusal, Version


class Clock:
    def now(self) -> datetime:
        return datetime(2024, 5, 1, tzinfo=UTC)


class Random:
    def bytes(self, n: int) -> bytes:
        return os.urandom(n)


@dataclass
class Seen:
    """What an uplink's owner was told."""

    up: list[Version] = field(default_factory=list)
    down: list[str] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def connected(self, version: Version) -> None:
        self.up.append(version)
        self.changed.set()

    def disconnected(self, why: str) -> None:
        self.down.append(why)
        self.changed.set()

    async def until(self, up: int, down: int) -> None:
        async with asyncio.timeout(5):
            while len(self.up) < up or len(self.down) < down:
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def csms(port: int = 0) -> AsyncIterator[tuple[OcppServer, int]]:
    async def authenticate(arrival: Arrival) -> Admitted | None:
        return Admitted(arrival.station_id) if arrival.password == b"pw" else None

    async def handle(_connection: StationConnection, call: Call) -> bytes | Refusal:
        return b'{"echo":' + call.payload + b"}"

    server = OcppServer(Endpoint(authenticate, handle, Clock(), lambda: os.urandom(8).hex()))
    port = await server.start("127.0.0.1", port)
    try:
        yield server, port
    finally:
        await server.stop(1)


@asynccontextmanager
async def uplink(
    port: int, seen: Seen, password: bytes | None = b"pw", versions: tuple[Version, ...] = tuple(Version)
) -> AsyncIterator[Uplink]:
    async def handle(call: Call) -> bytes | Refusal:
        return b'{"status":"Accepted","action":"' + call.action.encode() + b'"}'

    link = Uplink(
        Target(f"ws://127.0.0.1:{port}/ocpp", "CP1", versions, password),
        Behaviour(handle, seen.connected, seen.disconnected),
        Surroundings(Clock(), Random(), Backoff(0.01, 0.02)),
    )
    running = asyncio.create_task(link.run())
    try:
        yield link
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def test_both_sides_ask_and_are_answered() -> None:
    seen = Seen()
    async with csms() as (server, port), uplink(port, seen) as link:
        await seen.until(1, 0)
        assert seen.up == [Version.V16]
        answer = await link.call("Heartbeat", b'{"a":1}')
        assert isinstance(answer, CallResult)
        assert bytes(answer.payload) == b'{"echo":{"a":1}}'
        command = await server.connections[StationId("CP1")].call("Reset", b"{}")
        assert isinstance(command, CallResult)
        assert bytes(command.payload) == b'{"status":"Accepted","action":"Reset"}'


async def test_a_lost_connection_is_dialled_again() -> None:
    seen = Seen()
    async with csms() as (server, port), uplink(port, seen, versions=(Version.V21,)) as link:
        await seen.until(1, 0)
        server.close_all(1013)
        await seen.until(2, 1)
        assert (seen.up, seen.down) == ([Version.V21] * 2, ["closed"])
        assert isinstance(await link.call("Heartbeat", b"{}"), CallResult)


async def test_without_a_csms_calls_fail_at_once_and_dialling_goes_on() -> None:
    seen = Seen()
    async with csms() as (_, port):
        pass
    async with uplink(port, seen) as link:
        await seen.until(0, 2)
        assert set(seen.down) == {"unreachable"}
        assert isinstance(await link.call("Heartbeat", b"{}"), Disconnected)
        async with csms(port):
            await seen.until(1, 2)


async def test_a_connection_that_ends_before_the_handshake_is_dialled_again() -> None:
    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    seen = Seen()
    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server, uplink(server.sockets[0].getsockname()[1], seen):
        await seen.until(0, 2)
    assert seen.down[:2] == ["unreachable"] * 2


async def test_wrong_credentials_are_told_as_401() -> None:
    seen = Seen()
    async with csms() as (_, port), uplink(port, seen, password=b"wrong"):
        await seen.until(0, 2)
    assert set(seen.down) == {"401"}


async def test_a_csms_that_chooses_no_version_is_left() -> None:
    seen = Seen()
    codes: list[int | None] = []

    async def listen(socket: ServerConnection) -> None:
        await socket.wait_closed()
        codes.append(socket.close_code)

    async with serve(listen, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with uplink(port, seen):
            await seen.until(0, 1)
    assert seen.up == []
    assert seen.down[0] == "no_common_version"
    assert codes[0] == 1002


@pytest.mark.parametrize(("attempt", "least", "most"), [(1, 1, 1.5), (3, 4, 6), (9, 60, 90), (10**6, 60, 90)])
def test_waits_grow_up_to_a_bound_with_jitter(attempt: int, least: float, most: float) -> None:
    assert least <= Backoff().wait_s(attempt, Random()) <= most


def test_an_address_is_quoted_and_carries_no_password() -> None:
    target = Target("ws://127.0.0.1:1/ocpp/", "a/b c", (Version.V16,), b"secret")
    assert target.address == "ws://127.0.0.1:1/ocpp/a%2Fb%20c"
    assert "secret" not in target.address
