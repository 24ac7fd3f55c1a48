"""A man in the middle on a WebSocket link: relays frames as his plans say, keeps both versions of what he alters."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from ssl import SSLContext
from typing import Self
from urllib.parse import urlsplit

import aiohttp
from aiohttp import WSMsgType, web

from wattseal.lab.means.plans import Alter, Plan, Sent, pass_on

__all__ = ["Alter", "Tap"]

MAX_FRAME = 1024 * 1024
WebSocket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse
Tunnel = Callable[[str, dict[str, str]], tuple[str, dict[str, str]]]
"""Takes the path and headers of who dials him; returns with which he dials on: another station's, say."""


def straight(path: str, headers: dict[str, str]) -> tuple[str, dict[str, str]]:
    """Dial on as he was dialled."""
    return path, headers


class Tap:
    """Listens where a station thinks its CSMS is. `up` is his plan for what the station says, `down` for the rest.

    With `tls` he ends TLS himself, with a certificate of his own; `trusts` is what he dials a `wss` upstream with.
    `capture` gets one JSON line for each altered frame: {"before": text, "after": text}.
    """

    def __init__(
        self,
        upstream: str,
        alter: Alter | None = None,
        capture: Path | None = None,
        *,
        up: Plan = pass_on,
        down: Plan = pass_on,
        tunnel: Tunnel = straight,
        tls: SSLContext | None = None,
        trusts: SSLContext | None = None,
    ) -> None:
        """Relay to the host and port of `upstream`, such as ws://127.0.0.1:9000/ocpp; nothing listens yet."""
        self.lead_to(upstream)
        self._alter = alter
        self._capture = capture
        self.up, self.down = up, down
        self._tunnel = tunnel
        self._tls, self._trusts = tls, trusts
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None
        self._links: set[asyncio.Task[None]] = set()
        self._later: set[asyncio.Task[None]] = set()
        self.altered = 0
        self.port = 0

    def lead_to(self, upstream: str) -> None:
        """Lead new connections elsewhere, as a forged name would; see `cut` for those there are."""
        parts = urlsplit(upstream)
        self._upstream = f"{parts.scheme}://{parts.netloc}"

    def cut(self) -> None:
        """Break every connection there is."""
        for link in self._links:
            link.cancel()

    async def __aenter__(self) -> Self:
        """Listen on a free loopback port."""
        app = web.Application()
        app.router.add_get("/{path:.*}", self._relay)
        self._session = aiohttp.ClientSession()
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    def url_like(self, upstream: str) -> str:
        """Return where to dial him instead of `upstream`."""
        scheme = "ws" if self._tls is None else "wss"
        return f"{scheme}://127.0.0.1:{self.port}{urlsplit(upstream).path}"

    async def __aexit__(self, *_: object) -> None:
        """Cut every link."""
        self.cut()
        for each in self._later:
            each.cancel()
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    async def _relay(self, request: web.Request) -> web.StreamResponse:
        offered = [p.strip() for p in request.headers.get("Sec-WebSocket-Protocol", "").split(",") if p.strip()]
        headers = {"Authorization": request.headers["Authorization"]} if "Authorization" in request.headers else {}
        path, headers = self._tunnel(request.path, headers)
        if self._session is None:
            return web.Response(status=503)
        try:
            upstream = await self._session.ws_connect(
                f"{self._upstream}{path}",
                protocols=offered,
                headers=headers,
                max_msg_size=MAX_FRAME,
                ssl=True if self._trusts is None else self._trusts,
            )
        except aiohttp.WSServerHandshakeError as error:
            return web.Response(status=error.status)
        except aiohttp.ClientError:
            return web.Response(status=502)
        station = web.WebSocketResponse(
            protocols=[upstream.protocol] if upstream.protocol else [], max_msg_size=MAX_FRAME
        )
        await station.prepare(request)
        up = asyncio.create_task(self._pump(station, upstream, self._plan))
        down = asyncio.create_task(self._pump(upstream, station, self.down))
        self._links |= {up, down}
        await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
        for task in (up, down):
            task.cancel()
        await asyncio.gather(up, down, return_exceptions=True)
        self._links -= {up, down}
        await upstream.close()
        await station.close()
        return station

    async def _pump(self, source: WebSocket, target: WebSocket, plan: Plan) -> None:
        async for message in source:
            if message.type is WSMsgType.TEXT:
                for sent in plan(message.data):
                    if sent.after_s:
                        self._send_later(target, sent)
                    else:
                        await target.send_str(sent.frame)
            elif message.type is WSMsgType.BINARY:
                await target.send_bytes(message.data)

    def _send_later(self, target: WebSocket, sent: Sent) -> None:
        async def send() -> None:
            await asyncio.sleep(sent.after_s)
            with suppress(ConnectionError, aiohttp.ClientError):
                await target.send_str(sent.frame)

        task = asyncio.create_task(send())
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    def _plan(self, frame: str) -> list[Sent]:
        changed = self._alter(frame) if self._alter is not None else None
        if changed is None or changed == frame:
            return list(self.up(frame))
        self.altered += 1
        if self._capture is not None:
            with self._capture.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"before": frame, "after": changed}) + "\n")
        return list(self.up(changed))
