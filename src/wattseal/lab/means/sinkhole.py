"""A CSMS that is none: whatever is said to it is taken with thanks, kept for its owner, and goes nowhere."""

import itertools
import json
from datetime import UTC, datetime
from ssl import SSLContext
from typing import Any, Self

from aiohttp import WSMsgType, web

from wattseal.app.system import SystemClock
from wattseal.lab.means.plans import call_of

ACCEPTED = {"status": "Accepted"}
INTERVAL_S = 30


class Sinkhole:
    """Lets anybody in under any name and password; `heard` holds what was said, `shown` the credentials."""

    def __init__(self, tls: SSLContext | None = None) -> None:
        """Listen nowhere yet; with `tls` behind a certificate of his own."""
        self.heard: list[str] = []
        self.shown: list[str] = []
        self._tls = tls
        self._numbers = itertools.count(1)
        self._runner: web.AppRunner | None = None
        self._port = 0

    async def __aenter__(self) -> Self:
        """Listen on a free loopback port."""
        app = web.Application()
        app.router.add_get("/{path:.*}", self._take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Be gone."""
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def url(self) -> str:
        """Where a forged name leads."""
        return f"{'ws' if self._tls is None else 'wss'}://127.0.0.1:{self._port}/ocpp"

    async def _take(self, request: web.Request) -> web.StreamResponse:
        self.shown.append(request.headers.get("Authorization", ""))
        offered = [p.strip() for p in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
        socket = web.WebSocketResponse(protocols=offered[:1])
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                self.heard.append(message.data)
                if (call := call_of(message.data)) is not None:
                    await socket.send_str(json.dumps([3, call[1], self._answer(call[2])]))
        return socket

    def _answer(self, action: str) -> dict[str, Any]:
        """Return what any CSMS would answer, as far as nobody's signature is needed for it."""
        now = datetime.fromtimestamp(SystemClock().now().timestamp(), UTC).isoformat().replace("+00:00", "Z")
        match action:
            case "BootNotification":
                return ACCEPTED | {"currentTime": now, "interval": INTERVAL_S}
            case "Heartbeat":
                return {"currentTime": now}
            case "Authorize" | "StopTransaction":
                return {"idTagInfo": ACCEPTED}
            case "StartTransaction":
                return {"transactionId": next(self._numbers), "idTagInfo": ACCEPTED}
            case "DataTransfer":
                return dict(ACCEPTED)
            case _:
                return {}
