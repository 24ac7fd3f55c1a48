"""The PyPI package `ocpp` as a charging station of any version."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from ocpp.routing import on  # type: ignore[import-untyped] # the library has no stubs
from ocpp.v16 import ChargePoint as Station16  # type: ignore[import-untyped] # same
from ocpp.v21 import ChargePoint as Station21  # type: ignore[import-untyped] # same
from ocpp.v201 import ChargePoint as Station201  # type: ignore[import-untyped] # same
from tests.support.csms import PASSWORD, Csms
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

__all__ = ["Station16", "Station21", "Station201", "ask", "dialled", "handles"]
VERSIONS = {Station16: "ocpp1.6", Station201: "ocpp2.0.1", Station21: "ocpp2.1"}

Handler = Callable[..., Any]
handles: Callable[[str], Callable[[Handler], Handler]] = on
"""The library's decorator of what answers an action."""


@asynccontextmanager
async def dialled(
    csms: Csms, name: str, kind: Any = Station16, password: bytes | None = PASSWORD.encode()
) -> AsyncIterator[Any]:
    """Connect as a station of the version that `kind` speaks."""
    version = next(name for known, name in VERSIONS.items() if issubclass(kind, known))
    headers = {}
    if password is not None:
        headers["Authorization"] = "Basic " + base64.b64encode(f"{name}:".encode() + password).decode()
    protocols = [Subprotocol(version)]
    async with connect(csms.ocpp + name, subprotocols=protocols, additional_headers=headers, proxy=None) as socket:
        assert socket.subprotocol == version
        station = kind(name, socket, response_timeout=10)
        listening = asyncio.create_task(station.start())
        try:
            yield station
        finally:
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listening


async def ask(station: Any, request: Any, times: int = 1) -> Any:
    """Call, raising on a CALLERROR; more than once is a retry under a new message id, which is told the same."""
    answer, *again = [await station.call(request, suppress=False) for _ in range(times)]
    assert again == [answer] * (times - 1)
    return answer
