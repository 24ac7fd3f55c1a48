"""A man in the middle on real sockets: plans in both directions, tunnels, forged names, and TLS of his own."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from wattseal.lab.means.dialler import dial
from wattseal.lab.means.forged_tls import forge
from wattseal.lab.means.plans import Plan, delayed, duplicated, gray_hole, joined, listening, pass_on, reordered
from wattseal.lab.means.sinkhole import Sinkhole
from wattseal.lab.means.tap import Tap

WAIT_S = 20.0


@dataclass
class Echo:
    """A CSMS that sends back whatever it hears, and remembers who said it."""

    url: str = ""
    paths: list[str] = field(default_factory=list)
    sessions: list[aiohttp.ClientSession] = field(default_factory=list)


@asynccontextmanager
async def echoing() -> AsyncIterator[Echo]:
    echo = Echo()

    async def handle(request: web.Request) -> web.StreamResponse:
        echo.paths.append(request.path)
        socket = web.WebSocketResponse(protocols=["ocpp1.6"])
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(message.data)
        return socket

    app = web.Application()
    app.router.add_get("/{path:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    echo.url = f"ws://127.0.0.1:{runner.addresses[0][1]}/ocpp"
    try:
        yield echo
    finally:
        await runner.cleanup()


async def said_through(frames: str, expected: int, up: Plan = pass_on, down: Plan = pass_on) -> list[str]:
    async with (
        echoing() as echo,
        Tap(echo.url, up=up, down=down) as tap,
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{tap.url_like(echo.url)}/ST1") as socket,
    ):
        for frame in frames:
            await socket.send_str(frame)
        return [(await socket.receive(WAIT_S)).data for _ in range(expected)]


async def test_plans_work_in_both_directions() -> None:
    heard: list[str] = []
    assert await said_through("abcd", 2, up=joined(listening(heard), gray_hole(2))) == ["b", "d"]
    assert heard == list("abcd")
    assert await said_through("ab", 4, down=duplicated()) == ["a", "a", "b", "b"]
    assert await said_through("abc", 3, up=reordered(3)) == ["c", "b", "a"]


async def test_what_is_delayed_is_overtaken() -> None:
    late = delayed(0.3, lambda frame: frame == "a")
    assert await said_through("abc", 3, up=late) == ["b", "c", "a"]


async def test_a_tunnel_leads_to_another_stations_path() -> None:
    async with (
        echoing() as echo,
        Tap(echo.url, tunnel=lambda path, headers: (path.replace("STA", "STB"), headers)) as tap,
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{tap.url_like(echo.url)}/STA") as socket,
    ):
        await socket.send_str("x")
        await socket.receive(WAIT_S)
    assert echo.paths == ["/ocpp/STB"]


async def test_a_name_that_is_forged_meanwhile_leads_into_a_sinkhole_that_thanks() -> None:
    async with echoing() as echo, Sinkhole() as sink, Tap(echo.url) as tap, aiohttp.ClientSession() as session:
        async with dial(session, tap.url_like(echo.url), "ST1", "secret") as line:
            tap.lead_to(sink.url)
            tap.cut()
            assert (await line.socket.receive(WAIT_S)).type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED}
        async with dial(session, tap.url_like(echo.url), "ST1", "secret") as line:
            await line.boot()
            start = {"connectorId": 1, "idTag": "A", "meterStart": 0, "timestamp": "2027-01-15T08:00:00Z"}
            assert (await line.call("StartTransaction", start))["transactionId"] > 0
    assert [json.loads(frame)[2] for frame in sink.heard] == ["BootNotification", "StartTransaction"]
    assert base64.b64decode(sink.shown[0].removeprefix("Basic ")) == b"ST1:secret"


async def test_tls_of_his_own_fools_nobody_who_does_not_trust_him(tmp_path: Path) -> None:
    his, true = forge(tmp_path / "his"), forge(tmp_path / "true")
    heard: list[str] = []
    async with (
        echoing() as echo,
        Tap(echo.url, up=listening(heard), tls=his.serves) as tap,
        aiohttp.ClientSession() as session,
    ):
        url = f"{tap.url_like(echo.url)}/ST1"
        assert url.startswith("wss://")
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await session.ws_connect(url, ssl=true.believer())
        async with session.ws_connect(url, ssl=his.believer()) as socket:
            await socket.send_str("a secret")
            await asyncio.wait_for(socket.receive(), WAIT_S)
    assert heard == ["a secret"], "who trusts him is read"
