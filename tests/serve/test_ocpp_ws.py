"""The OCPP endpoint over real sockets, with a client library that is not the server's."""

import asyncio
import base64
import datetime as dt
import ipaddress
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from wattseal.base.errors import StoreError
from wattseal.base.ids import StationId
from wattseal.flow.ports import Committed, Unflushed
from wattseal.net.buckets import Rates
from wattseal.net.conversation import Disconnected, Excess, TimedOut
from wattseal.net.deflate import negotiate_deflate
from wattseal.net.websocket import MAX_PONGS, Limits
from wattseal.serve import websocket as websocket_server
from wattseal.serve.ocpp_ws import Admitted, Arrival, Endpoint, OcppServer, StationConnection, negotiate, station_of
from wattseal.wire.ocpp.rpc import Call, CallError, CallResult, Event, Violation
from wattseal.wire.ocpp.version import Fault, Refusal, Version

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


async def test_a_station_is_let_in_and_answered() -> None:
    world = World()
    async with serving(world) as (server, url), dial(url) as station:
        assert station.subprotocol == "ocpp1.6"
        assert await ask(station, HEARTBEAT) == [3, "1", {"currentTime": "2024-05-01T00:00:00Z"}]
        assert set(server.connections) == {"CP1"}
    assert world.came == world.went == [("CP1", 1)]


async def test_a_binary_password_is_compared_as_bytes() -> None:
    async with serving(World()) as (_, url), dial(url, "CP2") as station:
        assert (await ask(station, HEARTBEAT))[0] == 3


@pytest.mark.parametrize(
    ("path", "headers", "expected"),
    [
        ("CP1", None, 401),
        ("CP1", basic("CP1", b"wrong"), 401),
        ("CP1", basic("CP2", PASSWORDS["CP2"]), 401),
        ("CP9", basic("CP9", b"wrong"), 401),
        ("CP1", {"Authorization": "Basic %%%"}, 401),
        ("CP1", {"Authorization": "Bearer x"}, 401),
        ("", basic("CP1", PASSWORDS["CP1"]), 404),
        ("CP1/", basic("CP1", PASSWORDS["CP1"]), 404),
        ("C%C3%A9", basic("CP1", PASSWORDS["CP1"]), 404),
        ("%FF", basic("CP1", PASSWORDS["CP1"]), 404),
        ("a" * 49, basic("CP1", PASSWORDS["CP1"]), 404),
        ("../CP1", basic("CP1", PASSWORDS["CP1"]), 404),
    ],
)
async def test_who_is_not_let_in(path: str, headers: dict[str, str] | None, expected: int) -> None:
    world = World()
    async with serving(world) as (server, url):
        assert await status(url + path, additional_headers=headers) == expected
        assert not server.connections
    assert world.came == []


async def test_a_wrong_path_is_404_and_not_ready_is_503() -> None:
    world = World()
    async with serving(world) as (_, url):
        assert await status(url.replace("/ocpp/", "/other/") + "CP1") == 404
        world.is_ready = False
        assert await status(url + "CP1", additional_headers=basic("CP1", PASSWORDS["CP1"])) == 503


async def test_the_clients_preference_chooses_the_version() -> None:
    async with serving(World()) as (_, url):
        for protocols, chosen in (
            (("ocpp2.1", "ocpp2.0.1", "ocpp1.6"), "ocpp2.1"),
            (("ocpp1.5", "ocpp1.6", "ocpp2.1"), "ocpp1.6"),
        ):
            async with dial(url, protocols=protocols) as station:
                assert station.subprotocol == chosen


async def test_without_a_common_version_the_handshake_completes_and_the_socket_closes() -> None:
    world = World()
    async with serving(world) as (_, url), dial(url, protocols=("ocpp1.5",)) as station:
        assert station.subprotocol is None
        assert await closing(station) == 1002
    assert world.came == []


async def test_an_upgrade_that_offers_no_version_is_refused() -> None:
    world = World()
    async with serving(world) as (_, url):
        with pytest.raises(InvalidStatus) as refused:
            await dial(url, protocols=())
        assert refused.value.response.status_code == 400
    assert world.came == []


async def test_wrong_credentials_never_disturb_a_connected_station() -> None:
    world = World()
    async with serving(world) as (server, url), dial(url) as station:
        victim = server.connections[StationId("CP1")]
        for _ in range(50):
            assert await status(url + "CP1", additional_headers=basic("CP1", b"guess")) == 401
        assert server.connections[StationId("CP1")] is victim
        assert (await ask(station, HEARTBEAT))[0] == 3


async def test_a_newer_connection_replaces_the_older_and_survives_its_teardown() -> None:
    world = World()
    async with serving(world) as (server, url), dial(url) as older, dial(url) as newer:
        assert await closing(older) == 1000
        assert (await ask(newer, HEARTBEAT))[0] == 3
        await asyncio.wait_for(world.gone.wait(), 5)
        assert world.went == [("CP1", 1)]
        assert server.connections[StationId("CP1")].generation == 2


@pytest.mark.parametrize("prompt", PROMPT)
async def test_calls_of_one_station_are_answered_in_order_and_others_do_not_wait(prompt: frozenset[str]) -> None:
    world = World(prompt=prompt)
    gate = asyncio.Event()

    async def answer(call: Call) -> bytes:
        if call.message_id == "slow":
            await gate.wait()
        return b"{}"

    world.answer = answer
    async with serving(world) as (_, url), dial(url) as one, dial(url, "CP2") as two:
        await one.send('[2,"slow","Heartbeat",{}]')
        await one.send('[2,"fast","Heartbeat",{}]')
        assert await ask(two, HEARTBEAT) == [3, "1", {}]
        assert world.handled == ["slow", "1"]
        gate.set()
        assert [json.loads(await one.recv())[1] for _ in range(2)] == ["slow", "fast"]


async def test_a_flood_is_not_read_faster_than_it_is_answered() -> None:
    world = World()
    gate = asyncio.Event()

    async def answer(_call: Call) -> bytes:
        await gate.wait()
        return b"{}"

    async def send_all(socket: ClientConnection, frames: list[str]) -> None:
        for frame in frames:
            await socket.send(frame)

    world.answer = answer
    async with serving(world) as (server, url), dial(url) as station:
        data = "y" * 1000
        frames = [f'[2,"{n}","DataTransfer",{{"vendorId":"x","data":"{data}"}}]' for n in range(3000)]
        sending = asyncio.create_task(send_all(station, frames))
        waiting = server.connections[StationId("CP1")]._waiting
        taken = -1
        while not waiting or len(waiting) > taken:  # until the server reads no further
            taken = len(waiting)
            await asyncio.sleep(0.3)
        assert taken < 500
        gate.set()
        for n in range(3000):
            assert json.loads(await asyncio.wait_for(station.recv(), 5))[1] == str(n)
        await sending


async def test_a_flood_of_other_messages_is_refused_and_the_stop_behind_it_answered() -> None:
    world = World()
    async with serving(world) as (server, url):
        server.endpoint = replace(server.endpoint, rates=Rates(messages=20, messages_per_s=0.001))
        async with dial(url) as station, dial(url, "CP2") as other:
            for n in range(150):
                await station.send(f'[2,"h{n}","Heartbeat",{{}}]')
            await station.send('[2,"stop","StopTransaction",{}]')
            answers = [json.loads(await asyncio.wait_for(station.recv(), 5)) for _ in range(151)]
            assert [answer[0] for answer in answers] == [3] * 20 + [4] * 130 + [3]
            assert answers[20][:3] == [4, "h20", "GenericError"]
            assert answers[-1][1] == "stop"
            assert (await ask(other, HEARTBEAT))[0] == 3
        async with dial(url) as again:
            assert (await ask(again, HEARTBEAT))[0] == 4, "dialling again gives nothing back"
        assert [type(event) for event in world.events] == [Excess] * 131


async def test_a_flood_that_comes_at_once_is_taken_in_little_by_little() -> None:
    world = World()
    async with serving(world) as (server, url):
        server.endpoint = replace(server.endpoint, rates=Rates(messages=20, messages_per_s=0.001))
        reader, writer = await raw(url)
        await upgrade(reader, writer)
        async with dial(url, "CP2") as other:
            writer.write(masked(HEARTBEAT.encode()) * 1500)
            await writer.drain()
            answered = await asyncio.wait_for(reader.read(100), 5)
            assert answered
            assert (await ask(other, HEARTBEAT))[0] == 3
            assert len(world.events) < 1000, "what was read at once is not handled at once"
            assert len(server.connections[StationId("CP1")]._waiting) < 500
        writer.transport.abort()


async def test_too_many_bytes_of_a_transaction_are_read_later_and_all_answered() -> None:
    world = World()
    async with serving(world) as (server, url):
        server.endpoint = replace(server.endpoint, rates=Rates(bytes=1000, bytes_per_s=20_000))
        async with dial(url) as station:
            for n in range(100):
                await station.send(f'[2,"{n}","MeterValues",{{"x":"{"y" * 80}"}}]')
            assert [json.loads(await asyncio.wait_for(station.recv(), 5))[:2] for _ in range(100)] == [
                [3, str(n)] for n in range(100)
            ]


async def test_a_station_that_never_answers_calls_is_heard_and_holds_up_no_other() -> None:
    world = World()
    async with serving(world) as (server, url), dial(url) as silent, dial(url, "CP2") as other:
        waiting = asyncio.create_task(server.connections[StationId("CP1")].call("Reset", b"{}", 60))
        assert json.loads(await silent.recv())[2] == "Reset"
        told = asyncio.create_task(server.connections[StationId("CP2")].call("ClearCache", b"{}"))
        asked = json.loads(await other.recv())
        await other.send(f'[3,"{asked[1]}",{{}}]')
        assert isinstance(await told, CallResult)
        assert (await ask(silent, HEARTBEAT))[0] == 3
        await silent.close()
        assert isinstance(await waiting, Disconnected)


async def test_a_peer_that_never_reads_is_not_answered_into_memory() -> None:
    world = World()

    async def answer(_call: Call) -> bytes:
        return b'{"data":"' + b"x" * 60_000 + b'"}'

    world.answer = answer
    async with serving(world, max_unsent_bytes=64 * 1024) as (_, url):
        reader, writer = await raw(url)
        await upgrade(reader, writer)
        for n in range(2000):
            writer.write(masked(f'[2,"{n}","Heartbeat",{{}}]'.encode()))
        await asyncio.sleep(0.5)
        answered = len(world.handled)
        await asyncio.sleep(0.2)
        assert len(world.handled) == answered < 2000
        writer.transport.abort()


async def test_a_half_open_station_is_gone_after_two_ping_intervals() -> None:
    world = World()
    async with serving(world, ping_interval_s=0.1, ping_timeout_s=0.1) as (server, url):
        reader, writer = await raw(url)
        await upgrade(reader, writer)
        assert (await reader.readexactly(2))[0] == 0x89, "a ping, which nobody answers"
        await asyncio.wait_for(world.gone.wait(), 5)
        assert not server.connections
        assert world.went == [("CP1", 1)]
        writer.transport.abort()


async def trickle(world: World, url: str, parts: list[bytes]) -> None:
    """Send a part now and then until the server hangs up."""
    world.gone.clear()
    reader, writer = await raw(url)
    await upgrade(reader, writer)
    for part in parts:
        writer.write(part)
        await asyncio.sleep(0.05)
        if world.gone.is_set():
            break
    await asyncio.wait_for(world.gone.wait(), 5)
    assert world.handled == []
    writer.transport.abort()


async def test_a_frame_that_trickles_in_is_silence_and_a_message_without_an_end_is_one_too() -> None:
    world = World()
    async with serving(world, ping_interval_s=0.2, ping_timeout_s=0.2, stalled_s=0.3) as (_, url):
        await trickle(world, url, [bytes([byte]) for byte in masked(HEARTBEAT.encode())][:-1])
        await trickle(world, url, [masked(b"[", 0x01), *[masked(b"x", 0x00)] * 100])


async def test_pings_are_answered_up_to_a_bound_and_a_flood_fills_no_memory() -> None:
    world = World()
    async with serving(world) as (server, url):
        reader, writer = await raw(url)
        await upgrade(reader, writer)
        for n in range(5000):
            writer.write(masked(b"p%d" % n, 0x89))
        writer.write(masked(HEARTBEAT.encode()))
        answered = await asyncio.wait_for(reader.readuntil(b"}]"), 5)
        assert answered.count(b"\x8a") == MAX_PONGS
        assert world.handled == ["1"], "a flood of pings holds nothing up"
        assert StationId("CP1") in server.connections
        writer.close()


async def test_a_peer_that_takes_nothing_is_dropped_after_a_while() -> None:
    world = World()

    async def answer(_call: Call) -> bytes:
        return b'{"data":"' + b"x" * 60_000 + b'"}'

    world.answer = answer
    async with serving(world, max_unsent_bytes=64 * 1024, ping_interval_s=0.4, stalled_s=0.5) as (_, url):
        reader, writer = await raw(url)
        await upgrade(reader, writer)
        for n in range(1000):
            writer.write(masked(f'[2,"{n}","Heartbeat",{{}}]'.encode()))
        await asyncio.wait_for(world.gone.wait(), 10)
        assert len(world.handled) < 1000
        writer.transport.abort()


async def test_a_station_whose_messages_wait_for_us_is_not_taken_for_silent() -> None:
    world = World()
    gate = asyncio.Event()

    async def answer(_call: Call) -> bytes:
        await gate.wait()
        return b"{}"

    world.answer = answer
    async with serving(world, ping_interval_s=0.1, ping_timeout_s=0.1) as (server, url), dial(url) as station:
        for n in range(200):
            await station.send(f'[2,"{n}","Heartbeat",{{}}]')
        await asyncio.sleep(0.6)
        assert StationId("CP1") in server.connections, "it is we who do not read"
        gate.set()
        for n in range(200):
            assert json.loads(await asyncio.wait_for(station.recv(), 5))[1] == str(n)


async def test_sockets_that_never_finish_their_request_do_not_keep_a_station_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(websocket_server, "MAX_UNDECIDED", 20)
    async with serving(World()) as (_, url):
        slow = [await raw(url) for _ in range(30)]
        for _, writer in slow:
            writer.write(b"GET /ocpp/CP1 HTTP/1.1\r\nHost: ")
        async with dial(url) as station:
            assert (await ask(station, HEARTBEAT))[0] == 3
        ended = [reader for reader, _ in slow if reader.at_eof() or reader.exception() is not None]
        assert len(ended) >= 10, "the oldest made room"
        for _, writer in slow:
            writer.transport.abort()


async def test_fragments_are_joined_and_bounded() -> None:
    world = World()
    async with serving(world, max_message_bytes=200) as (_, url):
        async with dial(url) as station:
            await station.send(["[2,", '"1",', '"Heartbeat",{}]'])
            assert json.loads(await station.recv())[0] == 3
            await station.send(["x" * 100] * 3)
            assert await closing(station) == 1009
        async with dial(url) as station:
            await station.send("x" * 201)
            assert await closing(station) == 1009
        async with dial(url) as station:
            await station.send(b"\x00")
            assert await closing(station) == 1003


async def test_a_station_may_compress_and_a_bomb_is_bounded() -> None:
    async with serving(World(), max_message_bytes=2000) as (_, url):
        async with dial(url, compression="deflate") as station:
            answered = station.response
            assert answered is not None
            extensions = answered.headers["Sec-WebSocket-Extensions"]
            assert extensions == "permessage-deflate; server_no_context_takeover; client_max_window_bits=11"
            long = f'[2,"1","Heartbeat",{{"pad":"{"x" * 1500}"}}]'
            for _ in range(3):
                assert (await ask(station, long))[0] == 3
            await station.send(["[2,", '"1",', '"Heartbeat",{}]'])
            assert json.loads(await station.recv())[0] == 3
            await station.send("x" * 1_000_000)
            assert await closing(station) == 1009
        reader, writer = await raw(url)
        await upgrade(reader, writer, "Sec-WebSocket-Extensions: permessage-deflate")
        writer.write(masked(b"not deflated", 0xC1))
        assert await close_code(reader) == 1007
        writer.close()


async def test_reserved_bits_nobody_agreed_on_close_the_socket() -> None:
    async with serving(World()) as (_, url):
        for first_byte in (0xC1, 0xA1, 0x91):
            reader, writer = await raw(url)
            await upgrade(reader, writer)
            writer.write(masked(b"x", first_byte))
            assert await close_code(reader) == 1002
            writer.close()


async def close_code(reader: asyncio.StreamReader) -> int:
    head = await asyncio.wait_for(reader.readexactly(4), 5)
    assert head[0] == 0x88
    return int.from_bytes(head[2:])


ALONE = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
KEPT = "permessage-deflate; server_no_context_takeover; client_max_window_bits="


@pytest.mark.parametrize(
    ("offered", "answered"),
    [
        (None, None),
        ("x-webkit-deflate-frame", None),
        ("permessage-deflate", ALONE),
        ("permessage-deflate; client_max_window_bits", KEPT + "11"),
        ("permessage-deflate; client_max_window_bits=15; server_no_context_takeover", KEPT + "11"),
        ('permessage-deflate; client_max_window_bits="9"', KEPT + "9"),
        ("permessage-deflate; client_max_window_bits; client_no_context_takeover", ALONE),
        ("permessage-deflate; server_max_window_bits=10", ALONE + "; server_max_window_bits=10"),
        ("permessage-deflate; server_max_window_bits=7", None),
        ("permessage-deflate; server_max_window_bits", None),
        ("permessage-deflate; client_max_window_bits=16", None),
        ("permessage-deflate; unheard_of", None),
        ("permessage-deflate; client_max_window_bits; client_max_window_bits", None),
        ("permessage-deflate; unheard_of, permessage-deflate", ALONE),
    ],
)
def test_an_offer_to_compress_is_answered_as_the_rfc_says(offered: str | None, answered: str | None) -> None:
    agreed = negotiate_deflate(offered)
    assert (agreed and agreed.header) == answered


async def test_garbage_is_answered_and_told() -> None:
    world = World()
    async with serving(world) as (_, url), dial(url) as station:
        assert (await ask(station, "hello"))[:3] == [4, "-1", "FormationViolation"]
        assert (await ask(station, HEARTBEAT))[0] == 3
    assert [type(event) for event in world.events] == [Violation]


@pytest.mark.parametrize("prompt", PROMPT)
async def test_a_refusal_and_a_fault_of_ours_are_callerrors(prompt: frozenset[str]) -> None:
    world = World(prompt=prompt)

    async def answer(call: Call) -> bytes | Refusal:
        if call.message_id == "1":
            return Refusal(Fault.UNKNOWN_ACTION, "no")
        raise ZeroDivisionError

    world.answer = answer
    async with serving(world) as (_, url), dial(url) as station:
        assert await ask(station, HEARTBEAT) == [4, "1", "NotImplemented", "no", {}]
        assert (await ask(station, '[2,"2","Heartbeat",{}]'))[:3] == [4, "2", "InternalError"]


@pytest.mark.parametrize("prompt", PROMPT)
async def test_when_nothing_can_be_stored_the_socket_closes_with_1013_and_no_answer(prompt: frozenset[str]) -> None:
    world = World(prompt=prompt)

    async def answer(_call: Call) -> bytes:
        raise StoreError("disk full")

    world.answer = answer
    async with serving(world) as (_, url), dial(url) as station:
        await station.send(HEARTBEAT)
        assert await closing(station) == 1013


@pytest.mark.parametrize("prompt", PROMPT)
async def test_an_answer_leaves_when_it_is_durable_and_the_next_call_waits_for_that(prompt: frozenset[str]) -> None:
    world = World(prompt=prompt)
    flush: asyncio.Future[Committed] = asyncio.get_running_loop().create_future()

    async def answer(call: Call) -> bytes | Unflushed:
        return Unflushed(b'{"durable":true}', flush) if call.message_id == "1" else b"{}"

    world.answer = answer
    async with serving(world) as (server, url), dial(url) as station, dial(url, "CP2") as other:
        await station.send(HEARTBEAT)
        await station.send('[2,"2","Heartbeat",{}]')
        assert await ask(other, '[2,"3","Heartbeat",{}]') == [3, "3", {}]
        assert world.handled == ["1", "3"]
        stopping = asyncio.create_task(server.stop())
        flush.set_result(Committed())
        assert [json.loads(await station.recv()) for _ in range(2)] == [[3, "1", {"durable": True}], [3, "2", {}]]
        assert await closing(station) == 1001
        await stopping


@pytest.mark.parametrize("prompt", PROMPT)
async def test_what_did_not_become_durable_is_not_answered(prompt: frozenset[str]) -> None:
    world = World(prompt=prompt)
    flush: asyncio.Future[Committed] = asyncio.get_running_loop().create_future()

    async def answer(_call: Call) -> Unflushed:
        asyncio.get_running_loop().call_soon(flush.set_exception, StoreError("disk full"))
        return Unflushed(b"{}", flush)

    world.answer = answer
    async with serving(world) as (_, url), dial(url) as station:
        await station.send(HEARTBEAT)
        assert await closing(station) == 1013


async def test_a_failure_while_a_prompt_call_waits_reaches_it() -> None:
    world = World(prompt=PROMPT[1])
    read: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def answer(_call: Call) -> bytes:
        asyncio.get_running_loop().call_soon(read.set_exception, OSError("unreadable"))
        try:
            return await read
        except OSError:
            await asyncio.sleep(0)
            return b'{"caught":true}'

    world.answer = answer
    async with serving(world) as (_, url), dial(url) as station:
        assert await ask(station, HEARTBEAT) == [3, "1", {"caught": True}]


@pytest.mark.parametrize("prompt", PROMPT)
async def test_a_shutdown_answers_what_was_taken_and_says_1001(prompt: frozenset[str]) -> None:
    world = World(prompt=prompt)
    started = asyncio.Event()

    async def answer(_call: Call) -> bytes:
        started.set()
        await asyncio.sleep(0.05)
        return b"{}"

    world.answer = answer
    async with serving(world) as (server, url), dial(url) as station:
        await station.send(HEARTBEAT)
        await started.wait()
        stopping = asyncio.create_task(server.stop())
        assert json.loads(await station.recv()) == [3, "1", {}]
        assert await closing(station) == 1001
        await stopping
        assert not server.connections


async def test_the_csms_calls_a_station() -> None:
    async with serving(World()) as (server, url), dial(url) as station:
        connection = server.connections[StationId("CP1")]
        first = asyncio.create_task(connection.call("Reset", b'{"type":"Soft"}'))
        second = asyncio.create_task(connection.call("ClearCache", b"{}"))
        assert json.loads(await station.recv()) == [2, "c1", "Reset", {"type": "Soft"}]
        await station.send('[3,"c1",{"status":"Accepted"}]')
        assert json.loads(await station.recv()) == [2, "c2", "ClearCache", {}]
        await station.send('[4,"c2","NotSupported","",{}]')
        assert isinstance(await first, CallResult)
        assert isinstance(await second, CallError)
        assert isinstance(await connection.call("ClearCache", b"{}", 0.05), TimedOut)
        await station.send('[3,"c3",{}]')
        last = asyncio.create_task(connection.call("ClearCache", b"{}"))
        await station.recv()
        await station.recv()
        await station.close()
        assert isinstance(await last, Disconnected)
        assert isinstance(await connection.call("ClearCache", b"{}"), Disconnected)


@pytest.mark.parametrize(
    ("target", "station"),
    [
        ("/ocpp/CP1", "CP1"),
        ("/ocpp/CP1?x=1", "CP1"),
        ("/ocpp/a%2Bb", "a+b"),
        ("/ocpp/a%2Fb", None),
        ("/ocpp/a:b", None),
        ("/ocpp/a b", None),
        ("/ocpp/%20CP1", None),
        ("/ocpp/\uff23\uff301", None),
        ("/ocpp", None),
        ("/", None),
    ],
)
def test_a_station_id_has_one_spelling(target: str, station: str | None) -> None:
    assert station_of(target) == station


def test_negotiation_needs_a_common_version() -> None:
    assert negotiate("ocpp2.0.1, ocpp1.6", tuple(Version)) is Version.V201
    assert negotiate("ocpp2.0.1, ocpp1.6", (Version.V16,)) is Version.V16
    assert negotiate(None, tuple(Version)) is None


@pytest.mark.parametrize(
    ("request_bytes", "status_line"),
    [
        (b"POST /ocpp/CP1 HTTP/1.1\r\n\r\n", b"HTTP/1.1 400"),
        (b"nonsense\r\n\r\n", b"HTTP/1.1 400"),
        (b"GET /ocpp/CP1 HTTP/1.1\r\nno colon\r\n\r\n", b"HTTP/1.1 400"),
        (b"GET /ocpp/CP1 HTTP/1.1\r\nx: " + b"y" * 9000, b"HTTP/1.1 431"),
    ],
)
async def test_what_is_no_upgrade_request_has_an_http_answer(request_bytes: bytes, status_line: bytes) -> None:
    async with serving(World()) as (_, url):
        reader, writer = await raw(url)
        writer.write(request_bytes)
        assert (await asyncio.wait_for(reader.readuntil(b"\r\n"), 5)).startswith(status_line)
        writer.close()


def self_signed(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    start = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=1))
        .add_extension(here, critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(certificate.public_bytes(pem))
    plain = serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return folder / "cert.pem", folder / "key.pem"


async def test_stations_may_dial_over_tls(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    trust = ssl.create_default_context(cafile=str(certificate))
    async with serving(World(), tls) as (_, url), dial(url, ssl=trust) as station:
        assert (await ask(station, HEARTBEAT))[0] == 3
