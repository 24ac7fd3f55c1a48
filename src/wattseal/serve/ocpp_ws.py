"""The OCPP endpoint: stations dial `/ocpp/{station_id}`, are authenticated, and have their calls handled in order.

What a peer gets before it is let in: 404 for a path that names no station, 401 for credentials that do not fit (the
same for unknown stations), 503 while not ready. Only then an older connection of the same station is displaced.
"""

import asyncio
import base64
import binascii
import contextlib
import logging
import re
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from ssl import SSLContext
from typing import Protocol
from urllib.parse import unquote

from wattseal.base.errors import LimitError, StoreError
from wattseal.base.ids import StationId
from wattseal.serve.websocket import Accepted, Limits, Refused, Request, Socket, WebSocketServer
from wattseal.wire.ocpp.rpc import (
    Call,
    CallError,
    CallResult,
    Connection,
    Event,
    Ignored,
    ResultError,
    Send,
    Violation,
)
from wattseal.wire.ocpp.version import BY_SUBPROTOCOL, Fault, Refusal, Version

PATH = "/ocpp/"
MAX_WAITING = 64
"""Calls of one station that wait to be handled; with more its socket is not read until half of them are answered."""
CALL_TIMEOUT_S = 30.0
CLOSING_S = 2.0
"""How long a shutdown waits for peers to take their close frames."""

_STATION_ID = re.compile(r"[A-Za-z0-9*\-_=+|@.]{1,48}")
_UNAUTHORIZED = Refused(HTTPStatus.UNAUTHORIZED, (("WWW-Authenticate", 'Basic realm="ocpp", charset="UTF-8"'),))
_LOGGER = logging.getLogger("wattseal.ocpp")


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> datetime:
        """Return the present, aware, in UTC."""


class Disconnected:
    """Why a call of ours has no answer: the connection is gone."""


class TimedOut:
    """Why a call of ours has no answer: the station did not answer in time."""


Outcome = CallResult | CallError | TimedOut | Disconnected
Authenticate = Callable[[StationId, bytes | None, str], Awaitable[StationId | None]]
"""`(id in the path, password or None, remote address)` -> the id as enrolled, or None to refuse.

The refusal looks the same to the peer whatever its reason; taking the same time is the callee's part.
"""
Handle = Callable[["StationConnection", Call], Awaitable[bytes | Refusal]]
"""Return the payload of the response, or why the call is refused. `StoreError`: nothing is answered, 1013."""


def _nothing(_connection: "StationConnection") -> None:
    pass


def _no_notice(_connection: "StationConnection", _event: Event) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What an OCPP endpoint needs from its process.

    `new_message_id` gives ids for calls of ours. `ready` says whether upgrades are taken (else 503). `notice` learns of
    everything that is no call: violations, ignored frames, result errors, SENDs of 2.1. `paths` are the prefixes before
    the station id; more than one helps migrations.
    """

    authenticate: Authenticate
    handle: Handle
    clock: Clock
    new_message_id: Callable[[], str]
    ready: Callable[[], bool] = lambda: True
    connected: Callable[["StationConnection"], None] = _nothing
    disconnected: Callable[["StationConnection"], None] = _nothing
    notice: Callable[["StationConnection", Event], None] = _no_notice
    versions: tuple[Version, ...] = tuple(Version)
    paths: tuple[str, ...] = (PATH,)
    limits: Limits = field(default_factory=Limits)


class StationConnection:
    """One authenticated connection of a station; `generation` tells connections of one station apart."""

    def __init__(self, server: "OcppServer", station_id: StationId, version: Version, remote: str) -> None:
        """Wait for `opened`."""
        self.station_id = station_id
        self.version = version
        self.remote = remote
        self.generation = 0
        self.rpc = Connection(version, max_frame_bytes=server.endpoint.limits.max_message_bytes)
        self._server = server
        self._endpoint = server.endpoint
        self._socket: Socket | None = None
        self._waiting: deque[Call | Violation] = deque()
        self.worker: asyncio.Task[None] | None = None
        self._room: asyncio.Event | None = None
        self._paused = False
        self._answer: asyncio.Future[Outcome] | None = None
        self._turn = asyncio.Lock()

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""
        return self._socket is not None

    async def call(self, action: str, payload: bytes, timeout_s: float = CALL_TIMEOUT_S) -> Outcome:
        """Ask the station, after earlier calls of ours have been answered."""
        async with self._turn:
            if self._socket is None:
                return Disconnected()
            self._answer = asyncio.get_running_loop().create_future()
            self._socket.send(self.rpc.call(self._endpoint.new_message_id(), action, payload))
            try:
                return await asyncio.wait_for(self._answer, timeout_s)
            except TimeoutError:
                return TimedOut()
            finally:
                self._answer = None
                self.rpc.give_up()

    def close(self, code: int, reason: str = "") -> None:
        """Close; calls that wait are dropped unanswered, so that the station repeats them."""
        self._waiting.clear()
        if self._socket is not None:
            self._socket.close(code, reason)

    def opened(self, socket: Socket) -> None:
        """Take the socket; displaces an older connection."""
        self._socket = socket
        self._server.add(self)

    def received(self, data: bytes) -> None:
        """Take one message."""
        try:
            event = self.rpc.receive(data, self._endpoint.clock.now())
        except LimitError:
            self.close(1009, "message too big")
            return
        match event:
            case Call() | Violation():
                self._enqueue(event)
            case CallResult() | CallError():
                if self._answer is not None and not self._answer.done():
                    self._answer.set_result(event)
            case Send() | ResultError() | Ignored():
                self._endpoint.notice(self, event)

    def writable(self, *, yes: bool) -> None:
        """Pause or go on answering."""
        if yes and self._room is not None:
            self._room.set()
            self._room = None
        elif not yes and self._room is None:
            self._room = asyncio.Event()

    def closed(self) -> None:
        """Forget the socket."""
        self._socket = None
        self._waiting.clear()
        if self._room is not None:
            self._room.set()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(Disconnected())
        self._server.remove(self)

    def _enqueue(self, event: Call | Violation) -> None:
        self._waiting.append(event)
        if self.worker is None:
            self.worker = asyncio.get_running_loop().create_task(self._work())
        elif len(self._waiting) >= MAX_WAITING and not self._paused and self._socket is not None:
            self._paused = True
            self._socket.pause_reading()

    async def _work(self) -> None:
        try:
            while self._waiting:
                reply = await self._reply_to(self._waiting.popleft())
                if self._room is not None:
                    await self._room.wait()
                if self._socket is not None and reply is not None:
                    self._socket.send(reply)
                if self._paused and len(self._waiting) <= MAX_WAITING // 2 and self._socket is not None:
                    self._paused = False
                    self._socket.resume_reading()
        finally:
            self.worker = None

    async def _reply_to(self, event: Call | Violation) -> bytes | None:
        if isinstance(event, Violation):
            self._endpoint.notice(self, event)
            return event.reply
        try:
            answer = await self._endpoint.handle(self, event)
        except StoreError:
            self.close(1013, "try again later")
            return None
        except Exception:
            _LOGGER.exception("handling a call failed")
            answer = Refusal(Fault.INTERNAL, "this call could not be processed")
        if isinstance(answer, Refusal):
            return self.rpc.refuse(event.message_id, answer)
        return self.rpc.reply(event.message_id, answer)


class OcppServer:
    """Serves one endpoint; `connections` holds the one live connection of each station."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Bind nothing yet."""
        self.endpoint = endpoint
        self.connections: dict[StationId, StationConnection] = {}
        self._server = WebSocketServer(self._decide, endpoint.limits)
        self._generation = 0
        self._all: set[StationConnection] = set()
        self._emptied: asyncio.Event | None = None

    async def start(self, host: str, port: int, ssl: SSLContext | None = None) -> int:
        """Listen; returns the port."""
        return await self._server.start(host, port, ssl)

    async def stop(self, grace_s: float = 10.0) -> None:
        """Take no more connections, answer what has been received, close with 1001, and wait for the peers to go."""
        self._server.stop()
        busy = [connection.worker for connection in self._all if connection.worker is not None]
        if busy:
            await asyncio.wait(busy, timeout=grace_s)
        self.close_all(1001, "going away")
        if self._all:
            self._emptied = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._emptied.wait(), CLOSING_S)

    def close_all(self, code: int, reason: str = "") -> None:
        """Close every connection, with 1013 when nothing can be made durable."""
        for connection in tuple(self._all):
            connection.close(code, reason)

    def add(self, connection: StationConnection) -> None:
        """Make `connection` the live one of its station."""
        self._generation += 1
        connection.generation = self._generation
        self._all.add(connection)
        older = self.connections.get(connection.station_id)
        self.connections[connection.station_id] = connection
        if older is not None:
            older.close(1000, "replaced by a newer connection")
        self.endpoint.connected(connection)

    def remove(self, connection: StationConnection) -> None:
        """Forget `connection`, and only it: a newer one of the same station stays."""
        self._all.discard(connection)
        if self._emptied is not None and not self._all:
            self._emptied.set()
        if self.connections.get(connection.station_id) is connection:
            del self.connections[connection.station_id]
        self.endpoint.disconnected(connection)

    async def _decide(self, request: Request) -> Accepted | Refused:
        if not self.endpoint.ready():
            return Refused(HTTPStatus.SERVICE_UNAVAILABLE, (("Retry-After", "10"),))
        named = station_of(request.target, self.endpoint.paths)
        if named is None:
            return Refused(HTTPStatus.NOT_FOUND)
        credentials = basic_credentials(request.header("authorization"))
        if credentials is not None and credentials[0].casefold() != named.casefold():
            return _UNAUTHORIZED
        password = None if credentials is None else credentials[1]
        station_id = await self.endpoint.authenticate(named, password, request.remote)
        if station_id is None:
            return _UNAUTHORIZED
        version = negotiate(request.header("sec-websocket-protocol"), self.endpoint.versions)
        if version is None:
            return Accepted(_Unspoken(), None)
        return Accepted(StationConnection(self, station_id, version, request.remote), version.subprotocol)


class _Unspoken:
    """A connection without a common subprotocol: complete the handshake, then close (2.x part 4, 3.3)."""

    def opened(self, socket: Socket) -> None:
        socket.close(1002, "no common subprotocol")

    def received(self, data: bytes) -> None:
        del data

    def writable(self, *, yes: bool) -> None:
        del yes

    def closed(self) -> None:
        pass


def station_of(target: str, paths: tuple[str, ...] = (PATH,)) -> StationId | None:
    """Return the station id in a request target; None where there is none.

    An id has 1 to 48 characters of identifierString without the colon (2.x part 4, 3.1.1): ASCII, so that it has one
    spelling only. Percent-encoding is undone; a query is not part of the path.
    """
    path = target.partition("?")[0]
    for prefix in paths:
        if path.startswith(prefix):
            name = unquote(path[len(prefix) :])
            return StationId(name) if _STATION_ID.fullmatch(name) else None
    return None


def basic_credentials(header: str | None) -> tuple[str, bytes] | None:
    """Return `(user, password)` of a Basic Authorization header; None where there is none or it cannot be read.

    Passwords are bytes: in 1.6 security profile 1 they need not be text (security whitepaper, A00.FR.205).
    """
    scheme, _, encoded = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        return (user.decode("utf-8"), password) if colon else None
    except (ValueError, binascii.Error):
        return None


def negotiate(offered: str | None, versions: tuple[Version, ...]) -> Version | None:
    """Return the first version the client offers that is spoken here: the client states its preference."""
    for name in (offered or "").split(","):
        version = BY_SUBPROTOCOL.get(name.strip())
        if version in versions:
            return version
    return None
