"""The station's end of an OCPP connection: dial the CSMS, stay connected, converse.

Used by the station simulator and by an edge towards its CSMS. A lost or refused connection is dialled again after a
growing and jittered time (2.x part 4, 5.3; the 1.6 specification leaves it open).
"""

import asyncio
import base64
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from ssl import SSLContext
from typing import Protocol
from urllib.parse import quote, urlsplit

import picows

from wattseal.base.errors import ConfigError
from wattseal.flow.ports import Unflushed
from wattseal.net.conversation import CALL_TIMEOUT_S, Clock, Conversation, Disconnected, Outcome
from wattseal.net.websocket import READ_BUFFER_BYTES, Limits, PicowsSocket, Socket
from wattseal.wire.ocpp.rpc import Call
from wattseal.wire.ocpp.version import BY_SUBPROTOCOL, Fault, Refusal, Version

_LOGGER = logging.getLogger("wattseal.dial")
_LOGGER.setLevel(logging.WARNING)


class Random(Protocol):
    """Where randomness comes from."""

    def bytes(self, n: int) -> bytes:
        """Return `n` unpredictable bytes."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits between attempts: `first_s` doubled up to `most_s`, each with up to half of it added at random."""

    first_s: float = 1.0
    most_s: float = 60.0

    def wait_s(self, attempt: int, random: Random) -> float:
        """Return how long to wait before `attempt` 1, 2, ..."""
        base = min(self.first_s * 2.0 ** min(attempt - 1, 30), self.most_s)
        return base * (1 + int.from_bytes(random.bytes(2), "big") / 2**17)


@dataclass(frozen=True, slots=True)
class Target:
    """Where to dial: `url` without the station id, versions in order of preference."""

    url: str
    station_id: str
    versions: tuple[Version, ...]
    password: bytes | None = None
    ssl: SSLContext | None = None

    def __post_init__(self) -> None:
        """Refuse (`bad_url`) what cannot be dialled."""
        try:
            parts = urlsplit(self.url)
            usable = parts.scheme in {"ws", "wss"} and parts.hostname and parts.port != 0
        except ValueError:
            usable = False
        if not usable:
            text = "the address to dial is ws://HOST:PORT/ocpp or wss://HOST:PORT/ocpp, without the station id"
            raise ConfigError(text, code="bad_url", subject=self.url)

    @property
    def address(self) -> str:
        """The whole URL."""
        return f"{self.url.rstrip('/')}/{quote(self.station_id, safe='')}"

    def headers(self) -> dict[str, str]:
        """Return what the upgrade request adds: the versions offered and the Basic credentials."""
        offered = {"Sec-WebSocket-Protocol": ", ".join(version.subprotocol for version in self.versions)}
        if self.password is None:
            return offered
        credentials = base64.b64encode(self.station_id.encode() + b":" + self.password).decode("ascii")
        return offered | {"Authorization": f"Basic {credentials}"}


async def _refuse_all(_call: Call) -> bytes | Refusal:
    return Refusal(Fault.UNSUPPORTED_ACTION, "this action is not supported here")


def _ignore(_value: object) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What the owner of an uplink does: answers the CSMS's calls, learns of the connection's ups and downs.

    `connected` is told the version agreed upon, `disconnected` why the latest attempt or connection ended: the HTTP
    status as text where the CSMS refused ("401"), "unreachable", "no_common_version" or "closed".
    """

    handle: Callable[[Call], Awaitable[bytes | Refusal]] = _refuse_all
    connected: Callable[[Version], None] = _ignore
    disconnected: Callable[[str], None] = _ignore


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an uplink takes from its process."""

    clock: Clock
    random: Random
    backoff: Backoff = field(default_factory=Backoff)
    limits: Limits = field(default_factory=Limits)

    def new_message_id(self) -> str:
        """Return a message id: 16 random bytes in hex, unique also across connections."""
        return self.random.bytes(16).hex()


class Uplink:
    """A connection to a CSMS that is dialled again whenever it ends. `run` it as a task; cancel that to stop."""

    def __init__(self, target: Target, behaviour: Behaviour, surroundings: Surroundings) -> None:
        """Dial nothing yet."""
        self.target = target
        self._behaviour = behaviour
        self._surroundings = surroundings
        self._talk: _Talk | None = None
        self._held: asyncio.Event | None = None

    @property
    def version(self) -> Version | None:
        """The version spoken at present; None while disconnected."""
        return None if self._talk is None else self._talk.version

    async def run(self) -> None:
        """Stay connected for ever."""
        attempt = 0
        try:
            while True:
                if self._held is not None:
                    await self._held.wait()
                why, lived = await self._live()
                self._behaviour.disconnected(why)
                attempt = 1 if lived else attempt + 1
                await asyncio.sleep(self._surroundings.backoff.wait_s(attempt, self._surroundings.random))
        finally:
            if self._talk is not None:
                self._talk.close(1000, "done")

    async def call(self, action: str, payload: bytes, timeout_s: float = CALL_TIMEOUT_S) -> Outcome:
        """Ask the CSMS; `Disconnected` at once while there is no connection."""
        return Disconnected() if self._talk is None else await self._talk.call(action, payload, timeout_s)

    def hang_up(self) -> None:
        """Close the present connection, which `run` then dials again."""
        if self._talk is not None:
            self._talk.close(1000, "hanging up")

    def hold(self) -> None:
        """Drop the connection and dial no more until `release`."""
        self._held = self._held or asyncio.Event()
        self.hang_up()

    def release(self) -> None:
        """Dial again after `hold`."""
        if self._held is not None:
            self._held.set()
            self._held = None

    async def _live(self) -> tuple[str, bool]:
        """Connect and stay until the end; returns why it ended and whether there was a connection at all."""
        talks: list[_Talk] = []

        def listen(_request: picows.WSUpgradeRequest, response: picows.WSUpgradeResponse) -> picows.WSListener:
            version = BY_SUBPROTOCOL.get(response.headers.get("Sec-WebSocket-Protocol", ""))
            talk = _Talk(version if version in self.target.versions else None, self)
            talks.append(talk)
            return PicowsSocket(talk, self._surroundings.limits)

        limits = self._surroundings.limits
        try:
            transport, listener = await picows.ws_connect(
                listen,
                self.target.address,
                ssl_context=self.target.ssl,
                logger_name=_LOGGER,
                extra_headers=self.target.headers(),
                max_redirects=0,
                max_frame_size=limits.max_message_bytes,
                enable_auto_ping=True,
                auto_ping_idle_timeout=limits.ping_interval_s,
                auto_ping_reply_timeout=limits.ping_timeout_s,
                read_buffer_init_size=READ_BUFFER_BYTES,
            )
        except picows.WSHandshakeError as refused:
            return (str(int(refused.response.status)) if refused.response else "unreachable"), False
        except (OSError, TimeoutError):
            return "unreachable", False
        with contextlib.suppress(Exception):  # why picows ended a connection is told by the talk
            await transport.wait_disconnected()
        del listener  # picows holds it weakly
        if not talks:  # it ended before the handshake, of which picows says nothing
            return "unreachable", False
        return ("closed" if talks[-1].agreed else "no_common_version"), talks[-1].agreed


class _Talk(Conversation):
    """One connection of an uplink."""

    def __init__(self, version: Version | None, uplink: Uplink) -> None:
        around = uplink._surroundings  # noqa: SLF001 - same file
        limit = around.limits.max_message_bytes
        super().__init__(version or Version.V16, around.clock, around.new_message_id, limit)
        self.agreed = version is not None
        self._uplink = uplink

    async def handle(self, call: Call) -> bytes | Refusal | Unflushed:
        return await self._uplink._behaviour.handle(call)  # noqa: SLF001 - same file

    def opened(self, socket: Socket) -> None:
        super().opened(socket)
        if not self.agreed:
            self.close(1002, "no common subprotocol")
            return
        self._uplink._talk = self  # noqa: SLF001 - same file
        self._uplink._behaviour.connected(self.version)  # noqa: SLF001 - same file

    def closed(self) -> None:
        super().closed()
        if self._uplink._talk is self:  # noqa: SLF001 - same file
            self._uplink._talk = None  # noqa: SLF001 - same file
