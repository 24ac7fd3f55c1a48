"""A man in the middle on one WebSocket link: relays frames, alters what his plan says, and keeps both versions."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import aiohttp
from aiohttp import WSMsgType, web

Alter = Callable[[str], str | None]
"""Takes a frame of the station's; returns what to send on instead, or None to leave it alone."""
MAX_FRAME = 1024 * 1024


class Tap:
    """Listens where a station thinks its CSMS is; every station-bound frame passes unchanged.

    `capture` gets one JSON line for each altered frame: {"before": text, "after": text}.
    """

    def __init__(self, upstream: str, alter: Alter, capture: Path) -> None:
        """Relay to the host and port of `upstream`, such as ws://127.0.0.1:9000/ocpp; nothing listens yet."""
        parts = urlsplit(upstream)
        self._upstream = f"{parts.scheme}://{parts.netloc}"
        self._alter = alter
        self._capture = capture
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None
        self.altered = 0
        self.port = 0

    async def __aenter__(self) -> Self:
        """Listen on a free loopback port."""
        app = web.Application()
        app.router.add_get("/{path:.*}", self._relay)
        self._session = aiohttp.ClientSession()
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    def url_like(self, upstream: str) -> str:
        """Return where to dial him instead of `upstream`."""
        return f"ws://127.0.0.1:{self.port}{urlsplit(upstream).path}"

    async def __aexit__(self, *_: object) -> None:
        """Cut every link."""
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    async def _relay(self, request: web.Request) -> web.StreamResponse:
        offered = [p.strip() for p in request.headers.get("Sec-WebSocket-Protocol", "").split(",") if p.strip()]
        headers = {"Authorization": request.headers["Authorization"]} if "Authorization" in request.headers else {}
        if self._session is None:
            return web.Response(status=503)
        try:
            upstream = await self._session.ws_connect(
                f"{self._upstream}{request.path}", protocols=offered, headers=headers, max_msg_size=MAX_FRAME
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
        down = asyncio.create_task(self._pump(upstream, station, lambda frame: frame))
        await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
        for task in (up, down):
            task.cancel()
        await asyncio.gather(up, down, return_exceptions=True)
        await upstream.close()
        await station.close()
        return station

    @staticmethod
    async def _pump(
        source: web.WebSocketResponse | aiohttp.ClientWebSocketResponse,
        target: web.WebSocketResponse | aiohttp.ClientWebSocketResponse,
        plan: Callable[[str], str],
    ) -> None:
        async for message in source:
            if message.type is WSMsgType.TEXT:
                await target.send_str(plan(message.data))
            elif message.type is WSMsgType.BINARY:
                await target.send_bytes(message.data)

    def _plan(self, frame: str) -> str:
        changed = self._alter(frame)
        if changed is None or changed == frame:
            return frame
        self.altered += 1
        with self._capture.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"before": frame, "after": changed}) + "\n")
        return changed
