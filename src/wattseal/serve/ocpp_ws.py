"""The OCPP endpoint: stations dial `/ocpp/{station_id}`, are authenticated, and have their calls handled in order.

What a peer gets before it is let in: 404 for a path that names no station, 401 for credentials that do not fit (the
same for unknown stations), 400 where no subprotocol is offered, 503 while not ready. Only then an older connection of
the same station is displaced.
"""

import asyncio
import base64
import binascii
import contextlib
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from ssl import SSLContext
from typing import Any
from urllib.parse import unquote

from wattseal.base.ids import StationId
from wattseal.flow.ports import Unflushed
from wattseal.net.buckets import Allowance, Rates
from wattseal.net.conversation import Clock, Conversation
from wattseal.net.websocket import Limits, Socket
from wattseal.serve.proxy import Proxies
from wattseal.serve.websocket import Accepted, Refused, Request, WebSocketServer
from wattseal.wire.ocpp.rpc import Call, Event
from wattseal.wire.ocpp.version import BY_SUBPROTOCOL, Refusal, Version

PATH = "/ocpp/"
MAX_ALLOWANCES = 50_000
"""Stations of which it is remembered, beyond their connections, how much they have said lately."""
CLOSING_S = 2.0
"""How long a shutdown waits for peers to take their close frames."""

_STATION_ID = re.compile(r"[A-Za-z0-9*\-_=+|@.]{1,48}")
_UNAUTHORIZED = Refused(HTTPStatus.UNAUTHORIZED, (("WWW-Authenticate", 'Basic realm="ocpp", charset="UTF-8"'),))


@dataclass(frozen=True, slots=True)
class Arrival:
    """Who asks to be let in: the id in the path, what was shown for it, and how it came.

    `secure` says that the way was TLS; `certificate` (DER, or PEM as a proxy passed it on) was shown in it; `direct` is
    false where a proxy is known to stand between. `page` is the origin of a page that asks out of a browser: browsers
    tell it with every WebSocket (RFC 6455, 10.2).
    """

    station_id: StationId
    password: bytes | None
    remote: str
    secure: bool = False
    certificate: bytes | None = field(default=None, repr=False)
    direct: bool = True
    page: str | None = None


@dataclass(frozen=True, slots=True)
class Admitted:
    """Who is let in: the id as enrolled, the security profile of the connection, and the certificate it rests on."""

    station_id: StationId
    profile: int = 1
    certificate: bytes | None = field(default=None, repr=False)


Authenticate = Callable[[Arrival], Awaitable[Admitted | None]]
"""Return who is let in, or None to refuse.

The refusal looks the same to the peer whatever its reason; taking the same time is the callee's part.
"""
Handle = Callable[["StationConnection", Call], Coroutine[Any, Any, bytes | Refusal | Unflushed]]
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
    the station id; more than one helps migrations. `proxies` are believed about who stands behind them. `prompt` are
    the actions that need no task of their own (`Conversation`), `rates` how much one station may say.
    """

    authenticate: Authenticate
    handle: Handle
    clock: Clock
    new_message_id: Callable[[], str]
    ready: Callable[[], bool] = lambda: True
    connected: Callable[["StationConnection"], None] = _nothing
    disconnected: Callable[["StationConnection"], None] = _nothing
    notice: Callable[["StationConnection", Event], None] = _no_notice
    tap: Callable[[StationId, bytes, Event | None], None] | None = None
    versions: tuple[Version, ...] = tuple(Version)
    paths: tuple[str, ...] = (PATH,)
    limits: Limits = field(default_factory=Limits)
    proxies: Proxies = field(default_factory=Proxies)
    prompt: frozenset[str] = frozenset()
    rates: Rates = field(default_factory=Rates)


class StationConnection(Conversation):
    """One authenticated connection of a station; `generation` tells connections of one station apart."""

    def __init__(self, server: "OcppServer", admitted: Admitted, version: Version, remote: str) -> None:
        """Wait for `opened`."""
        endpoint = server.endpoint
        super().__init__(version, endpoint.clock, endpoint.new_message_id, endpoint.limits.max_message_bytes)
        self.station_id = admitted.station_id
        self.admitted = admitted
        self.prompt = endpoint.prompt
        self.allowance = server.allowance_of(admitted.station_id)
        self.remote = remote
        self.since = endpoint.clock.now()
        if endpoint.tap is not None:
            self.tap = partial(endpoint.tap, admitted.station_id)
        self.generation = 0
        self._server = server

    def handle(self, call: Call) -> Coroutine[Any, Any, bytes | Refusal | Unflushed]:
        """Have the process answer."""
        return self._server.endpoint.handle(self, call)

    def notice(self, event: Event) -> None:
        """Tell the process."""
        self._server.endpoint.notice(self, event)

    def opened(self, socket: Socket) -> None:
        """Take the socket; displaces an older connection."""
        super().opened(socket)
        self._server.add(self)

    def closed(self) -> None:
        """Forget the socket; a newer connection of the station stays."""
        super().closed()
        self._server.remove(self)


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
        self._allowances: OrderedDict[StationId, Allowance] = OrderedDict()

    async def start(self, host: str, port: int, ssl: SSLContext | None = None) -> int:
        """Listen, also at several ports, over TLS with `ssl`; returns the port."""
        return await self._server.start(host, port, ssl)

    async def stop(self, grace_s: float = 10.0) -> None:
        """Take no more connections, answer what has been received, close with 1001, and wait for the peers to go."""
        self._server.stop()
        busy = [asyncio.ensure_future(connection.settled()) for connection in self._all if connection.is_busy]
        if busy:
            await asyncio.wait(busy, timeout=grace_s)
        self.close_all(1001, "going away")
        if self._all:
            self._emptied = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._emptied.wait(), CLOSING_S)

    def allowance_of(self, station_id: StationId) -> Allowance:
        """Return what a station may still say; of the stations beyond the latest ones connected it is forgotten."""
        allowance = self._allowances.pop(station_id, None)
        if allowance is None:
            allowance = Allowance(self.endpoint.rates, asyncio.get_running_loop().time)
        self._allowances[station_id] = allowance
        if len(self._allowances) > MAX_ALLOWANCES:
            self._allowances.popitem(last=False)
        return allowance

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
        came = self.endpoint.proxies.came(request)
        if came is None:
            return _UNAUTHORIZED
        page = request.header("origin")
        arrival = Arrival(named, password, came.remote, came.secure, came.certificate, came.direct, page)
        admitted = await self.endpoint.authenticate(arrival)
        if admitted is None:
            return _UNAUTHORIZED
        offered = request.header("sec-websocket-protocol")
        if not offered:
            return Refused(HTTPStatus.BAD_REQUEST)
        version = negotiate(offered, self.endpoint.versions)
        if version is None:
            return Accepted(_Unspoken(), None)
        return Accepted(StationConnection(self, admitted, version, came.remote), version.subprotocol)


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
    spelling only. Percent-encoding is undone; a query is not part of the path. Slashes around the id are no part of it:
    stations put one before it and after an address that ends in one already, or behind it.
    """
    path = target.partition("?")[0]
    for prefix in paths:
        if path.startswith(prefix):
            name = unquote(path[len(prefix) :].strip("/"))
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
