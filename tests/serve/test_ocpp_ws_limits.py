"""The OCPP endpoint's bounds over real sockets: floods, silence, compression, peers that take nothing."""

import asyncio
import json
from dataclasses import replace

import pytest
from tests.serve.ocpp_world import (
    HEARTBEAT,
    World,
    ask,
    closing,
    dial,
    masked,
    raw,
    serving,
    upgrade,
)
from websockets.asyncio.client import ClientConnection

from wattseal.base.ids import StationId
from wattseal.net.buckets import Rates
from wattseal.net.conversation import Disconnected, Excess
from wattseal.net.deflate import negotiate_deflate
from wattseal.net.websocket import MAX_PONGS
from wattseal.serve import websocket as websocket_server
from wattseal.wire.ocpp.rpc import Call, CallResult


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
