"""A WebSocket server with an asynchronous decision before the upgrade.

picows parses and writes frames; its own handshake decides synchronously, so that the HTTP request is read here, a
coroutine decides (credentials may need a database or a slow hash), and only then picows takes the socket over.
docs/adr/0008-websocket-library.md says why this library.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from ssl import SSLContext
from typing import cast

import picows
from picows.picows import WSProtocol  # type: ignore[attr-defined] # public in the module, missing from its stub

from wattseal.net.deflate import Inflater, negotiate_deflate
from wattseal.net.keepalive import Keepalive
from wattseal.net.websocket import READ_BUFFER_BYTES, Limits, PicowsSocket, Receiver

MAX_REQUEST_BYTES = 8 * 1024
TLS_CLOSING_S = 5.0
"""How long a peer may take to answer the end of TLS."""
REQUEST_TIMEOUT_S = 10.0
RECEIVE_BUFFER_BYTES = 64 * 1024
"""Of a connection, in the kernel; it takes twice as much."""
MAX_UNDECIDED = 1000
"""Sockets that have not been let in yet. The next one takes the place of the oldest that still owes its request; where
all are being decided on, it is told 503 at once."""

_LOGGER = logging.getLogger("wattseal.websocket")
_LOGGER.setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Request:
    """A request to upgrade: `target` as sent, `headers` with names in lower case, `remote` the peer's address.

    `secure` says that TLS ends here, `certificate` is the one the peer showed in it (DER), its path verified.
    """

    target: str
    headers: tuple[tuple[str, str], ...]
    remote: str
    secure: bool = False
    certificate: bytes | None = None

    def header(self, name: str) -> str | None:
        """Return the values of a header joined by ", ", None where absent (RFC 9110, 5.3)."""
        values = [value for key, value in self.headers if key == name]
        return ", ".join(values) if values else None


@dataclass(frozen=True, slots=True)
class Refused:
    """Answer with an HTTP error."""

    status: HTTPStatus
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Accepted:
    """Upgrade, with the chosen subprotocol or none; `receiver` owns the socket from then on."""

    receiver: Receiver
    subprotocol: str | None


Decide = Callable[[Request], Awaitable[Accepted | Refused]]


class WebSocketServer:
    """Listens, reads upgrade requests, lets `decide` decide, and hands sockets to their receivers."""

    def __init__(self, decide: Decide, limits: Limits | None = None) -> None:
        """Bind nothing yet."""
        self.decide = decide
        self.limits = limits or Limits()
        self.keepalive = Keepalive(self.limits.ping_interval_s, self.limits.ping_timeout_s)
        self.undecided: dict[_Front, None] = {}
        self._servers: list[asyncio.Server] = []

    async def start(self, host: str, port: int, ssl: SSLContext | None = None) -> int:
        """Listen, also at several ports; returns the port, which differs from `port` when that is 0."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: _Front(self),
            host,
            port,
            ssl=ssl,
            ssl_handshake_timeout=None if ssl is None else REQUEST_TIMEOUT_S,
            ssl_shutdown_timeout=None if ssl is None else TLS_CLOSING_S,
        )
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    def stop(self) -> None:
        """Take no more connections; those that were let in stay."""
        for server in self._servers:
            server.close()
        for front in tuple(self.undecided):
            front.abort()

    def make_room(self) -> bool:
        """Drop the oldest socket that has not sent its whole request; False where there is none."""
        slowest = next((front for front in self.undecided if front.is_reading), None)
        if slowest is not None:
            slowest.abort()
        return slowest is not None


class _Front(asyncio.Protocol):
    """Reads one HTTP request from a socket, has it decided, and leaves."""

    def __init__(self, server: WebSocketServer) -> None:
        self._server = server
        self._data = b""
        self._task: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast("asyncio.Transport", transport)  # what create_server promises; uvloop has a class of its own
        self._transport = transport
        if len(self._server.undecided) >= MAX_UNDECIDED and not self._server.make_room():
            self._refuse(Refused(HTTPStatus.SERVICE_UNAVAILABLE, (("Retry-After", "5"),)))
            return
        self._server.undecided[self] = None
        self._timer = asyncio.get_running_loop().call_later(REQUEST_TIMEOUT_S, self.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._leave()
        if self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        self._data += data
        if self._task is not None or self._transport is None or self._transport.is_closing():
            return
        if b"\r\n\r\n" in self._data:
            self._transport.pause_reading()
            self._task = asyncio.get_running_loop().create_task(self._decide(self._transport))
        elif len(self._data) > MAX_REQUEST_BYTES:
            self._refuse(Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE))

    @property
    def is_reading(self) -> bool:
        """Whether the request has not come in whole."""
        return self._task is None

    def abort(self) -> None:
        """Drop the socket."""
        self._leave()
        if self._transport is not None:
            self._transport.abort()

    async def _decide(self, transport: asyncio.Transport) -> None:
        request = _parse(self._data, transport)
        try:
            decision = await self._server.decide(request) if request else Refused(HTTPStatus.BAD_REQUEST)
        except Exception:
            _LOGGER.exception("the decision on an upgrade failed")
            decision = Refused(HTTPStatus.SERVICE_UNAVAILABLE, (("Retry-After", "10"),))
        self._leave()
        if transport.is_closing():
            return
        if isinstance(decision, Accepted) and request is not None:
            self._hand_over(transport, request, decision)
        elif isinstance(decision, Refused):
            self._refuse(decision)

    def _hand_over(self, transport: asyncio.Transport, request: Request, decision: Accepted) -> None:
        headers = {"Sec-WebSocket-Protocol": decision.subprotocol} if decision.subprotocol else {}
        deflate = negotiate_deflate(request.header("sec-websocket-extensions"))
        inflater = None
        if deflate is not None:
            headers["Sec-WebSocket-Extensions"] = deflate.header
            inflater = Inflater(self._server.limits.max_message_bytes, keeps_window=deflate.keeps_window)
        response = picows.WSUpgradeResponse.create_101_response(headers)
        listener = PicowsSocket(
            decision.receiver, self._server.limits, inflater=inflater, keepalive=self._server.keepalive
        )
        upgraded = picows.WSUpgradeResponseWithListener(response, listener)
        protocol = _picows_protocol(lambda _request: upgraded, self._server.limits)
        _bound_receive_buffer(transport)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        waiting = self._data
        while waiting:
            room = protocol.get_buffer(len(waiting))
            taken = min(len(room), len(waiting))
            room[:taken] = waiting[:taken]
            protocol.buffer_updated(taken)
            waiting = waiting[taken:]
        if not transport.is_closing():
            transport.resume_reading()

    def _refuse(self, refused: Refused) -> None:
        if self._transport is None:
            return
        lines = [f"HTTP/1.1 {refused.status.value} {refused.status.phrase}", "Connection: close", "Content-Length: 0"]
        lines += [f"{name}: {value}" for name, value in refused.headers]
        self._transport.write("\r\n".join([*lines, "", ""]).encode("ascii"))
        self._transport.close()
        self._leave()

    def _leave(self) -> None:
        self._server.undecided.pop(self, None)
        if self._timer is not None:
            self._timer.cancel()


def _bound_receive_buffer(transport: asyncio.Transport) -> None:
    """Keep the kernel from gathering megabytes of a peer that is not read for a while, to be handled at once."""
    found = transport.get_extra_info("socket")
    if found is not None:
        with socket.socket(fileno=os.dup(found.fileno())) as own:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)


def _picows_protocol(
    factory: Callable[[picows.WSUpgradeRequest], picows.WSUpgradeResponseWithListener], limits: Limits
) -> WSProtocol:
    """Return what picows' own server makes for a connection (its `ws_create_server`)."""
    return WSProtocol(
        None,
        None,
        False,  # noqa: FBT003 - is_client_side, positional in picows
        factory,
        _LOGGER,
        True,  # noqa: FBT003 - disconnect_on_exception
        REQUEST_TIMEOUT_S,
        False,  # noqa: FBT003 - enable_auto_ping: the keepalive does
        limits.ping_interval_s,
        limits.ping_timeout_s,
        picows.WSAutoPingStrategy.PING_WHEN_IDLE,
        False,  # noqa: FBT003 - enable_auto_pong: PicowsSocket does, with a bound
        limits.max_message_bytes,
        None,
        READ_BUFFER_BYTES,
    )


def _parse(data: bytes, transport: asyncio.Transport) -> Request | None:
    """Return the request; None for what is no GET. picows checks the WebSocket headers when it takes over."""
    head = data[: data.index(b"\r\n\r\n")]
    try:
        first, *rest = head.decode("latin-1").split("\r\n")
        method, target, version = first.split(" ")
        headers = tuple((name.lower(), value.strip()) for name, value in (line.split(":", 1) for line in rest))
    except ValueError:
        return None
    if method != "GET" or version != "HTTP/1.1" or any(not name or name != name.strip() for name, _ in headers):
        return None
    peer = transport.get_extra_info("peername")
    tls = transport.get_extra_info("ssl_object")
    certificate = None if tls is None else tls.getpeercert(binary_form=True)
    remote = str(peer[0]) if isinstance(peer, tuple) else ""
    return Request(target, headers, remote, tls is not None, certificate)
