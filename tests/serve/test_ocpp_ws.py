"""The OCPP endpoint over real sockets, with a client library that is not the server's."""

import asyncio
import datetime as dt
import ipaddress
import json
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.serve.ocpp_world import (
    HEARTBEAT,
    PASSWORDS,
    PROMPT,
    World,
    ask,
    basic,
    closing,
    dial,
    raw,
    serving,
    status,
)
from websockets.exceptions import InvalidStatus

from wattseal.base.errors import StoreError
from wattseal.base.ids import StationId
from wattseal.flow.ports import Committed, Unflushed
from wattseal.net.conversation import Disconnected, TimedOut
from wattseal.serve.ocpp_ws import negotiate, station_of
from wattseal.wire.ocpp.rpc import Call, CallError, CallResult, Violation
from wattseal.wire.ocpp.version import Fault, Refusal, Version


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
        ("CP1/CP1", basic("CP1", PASSWORDS["CP1"]), 404),
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
        ("/ocpp/CP1/", "CP1"),
        ("/ocpp//CP1", "CP1"),
        ("/ocpp//CP1/?x=/y", "CP1"),
        ("/ocpp//", None),
        ("/ocpp/CP1/CP2", None),
        ("/ocpp/%2FCP1", None),
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
