"""A station's end of a WebSocket, honest or not: OCPP frames as text, out of order and malformed if need be."""

import asyncio
import base64
import itertools
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import aiohttp
from aiohttp import WSMsgType

from wattseal.app.system import SystemClock
from wattseal.lab.crew import LabError

ANSWER_S = 15.0
FOREVER_S = 3600.0
ACCEPTED: Mapping[str, Any] = MappingProxyType({"status": "Accepted"})
SUBPROTOCOLS = {"1.6": "ocpp1.6", "2.0.1": "ocpp2.0.1", "2.1": "ocpp2.1"}


class ClosedError(LabError):
    """The other side closed; `subject` is its close code."""

    code = "closed"


class CallRefusedError(LabError):
    """A CALLERROR came; `subject` is its error code."""

    code = "call_refused"


@dataclass(slots=True)
class Line:
    """One open connection. Calls of the CSMS are kept in `asked` and answered by whoever plays the station."""

    socket: aiohttp.ClientWebSocketResponse
    asked: list[list[Any]] = field(default_factory=list)
    _ids: "itertools.count[int]" = field(default_factory=itertools.count)

    async def call(self, action: str, payload: Mapping[str, Any], *, message_id: str | None = None) -> Any:
        """Call, and return the payload of the answer; raises `CallRefusedError` or `ClosedError`."""
        number = message_id or f"a{next(self._ids)}"
        await self.send(json.dumps([2, number, action, payload]))
        while True:
            frame = await self.receive()
            match frame:
                case [3, str(answered), payload_of_answer] if answered == number:
                    return payload_of_answer
                case [4, str(answered), code, text, *_] if answered == number:
                    raise CallRefusedError(f"{action} was refused: {code} {text}", subject=str(code))
                case [2, *_]:
                    self.asked.append(frame)
                case _:
                    continue

    async def boot(self, model: str = "LAB") -> None:
        """Boot as stations do, so that transactions are taken."""
        old = self.socket.protocol == SUBPROTOCOLS["1.6"]
        told = (
            {"chargePointVendor": "wattseal", "chargePointModel": model}
            if old
            else {"reason": "PowerUp", "chargingStation": {"vendorName": "wattseal", "model": model}}
        )
        answer = await self.call("BootNotification", told)
        if answer["status"] != "Accepted":
            raise LabError(f"the station is not accepted: {answer}", subject=model)

    async def send(self, text: str) -> None:
        """Send a frame as it stands; `ClosedError` where nobody listens any more."""
        try:
            await self.socket.send_str(text)
        except (ConnectionError, aiohttp.ClientError):
            code = self.socket.close_code
            raise ClosedError(f"the connection was closed with {code}", subject=str(code)) from None

    async def obey(self, answer: Mapping[str, Any] = ACCEPTED) -> None:
        """Answer every call of the CSMS with the same payload, until the connection ends."""
        while True:
            try:
                frame = await self.receive(FOREVER_S)
            except ClosedError:
                return
            match frame:
                case [2, number, *_]:
                    await self.send(json.dumps([3, number, dict(answer)]))
                case _:
                    continue

    async def receive(self, timeout_s: float = ANSWER_S) -> Any:
        """Return the next frame, decoded; `ClosedError` at the end, `LabError` when none comes."""
        try:
            message = await self.socket.receive(timeout_s)
        except TimeoutError:
            raise LabError(f"nothing came within {timeout_s:g} s", subject="answer") from None
        if message.type is WSMsgType.TEXT:
            return json.loads(message.data)
        code = self.socket.close_code
        raise ClosedError(f"the connection was closed with {code}", subject=str(code))


@asynccontextmanager
async def dial(
    session: aiohttp.ClientSession,
    url: str,
    station: str,
    password: str | None,
    version: str = "1.6",
    *,
    user: str | None = None,
    **options: Any,
) -> AsyncIterator[Line]:
    """Dial `url`/`station`; `user` differs from the station for who pretends. `options` go to aiohttp's `ws_connect`.

    `aiohttp.WSServerHandshakeError` with its status where the door stays shut.
    """
    headers = {}
    if password is not None:
        shown = base64.b64encode(f"{user or station}:{password}".encode()).decode()
        headers["Authorization"] = f"Basic {shown}"
    socket = await session.ws_connect(
        f"{url}/{station}", protocols=[SUBPROTOCOLS[version]], headers=headers, max_msg_size=0, **options
    )
    try:
        yield Line(socket)
    finally:
        await asyncio.shield(socket.close())


def now_text(plus_s: float = 0) -> str:
    """Return the time as stations write it."""
    at = SystemClock().now().timestamp() + plus_s
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
