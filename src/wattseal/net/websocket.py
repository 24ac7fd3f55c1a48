"""WebSockets as the rest sees them: the transport interface, and picows behind it.

Text messages only, complete and bounded, their UTF-8 unchecked; compressed ones (RFC 7692) arrive inflated.
docs/adr/0008-websocket-library.md says why this library; another one has to provide the classes of this file and of
`serve.websocket`.
"""

import asyncio
from dataclasses import dataclass
from typing import Protocol

import picows

from wattseal.net.deflate import InflateError, Inflater
from wattseal.net.keepalive import Keepalive

MAX_FRAGMENTS = 1024
MAX_PONGS = 64
"""Pings answered between two rounds of the keepalive; the others of a flood are not (RFC 6455, 5.5.3)."""
FLOOD_DELAY_S = 0.1
"""With more pings than that, reading waits so long after each buffer of them."""
READ_BUFFER_BYTES = 1024
"""Initial read buffer of a connection; it grows with its messages and shrinks again."""


class Socket(Protocol):
    """One open WebSocket, text messages only."""

    def send(self, data: bytes) -> None:
        """Queue a text message; nothing happens on a closed socket."""

    def close(self, code: int, reason: str = "") -> None:
        """Send a close frame and disconnect; `reason` has up to 123 bytes."""

    def pause_reading(self) -> None:
        """Stop taking bytes from the network."""

    def resume_reading(self) -> None:
        """Take bytes again."""


class Receiver(Protocol):
    """What the owner of a socket is told. Calls come from the event loop, one at a time."""

    def opened(self, socket: Socket) -> None:
        """Take the open socket."""

    def received(self, data: bytes) -> None:
        """Take a text message, complete and within the size limit; its UTF-8 is not checked."""

    def writable(self, *, yes: bool) -> None:
        """Learn whether the send queue has room; while it has none nothing should be sent."""

    def closed(self) -> None:
        """Learn that the socket is gone."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of every connection.

    A half-open peer is gone after `ping_interval_s` + `ping_timeout_s` of silence, and with the defaults, rounds
    included, within two intervals. A peer that does not take what is sent, or does not finish a message of several
    frames, is gone after `stalled_s`.
    """

    max_message_bytes: int = 128 * 1024
    ping_interval_s: float = 30.0
    ping_timeout_s: float = 20.0
    max_unsent_bytes: int = 256 * 1024
    stalled_s: float = 60.0


class PicowsSocket(picows.WSListener):
    """A picows connection as `Socket`; joins fragments, inflates, and bounds both.

    With an `inflater` the peer may compress its messages. Ours are never compressed: a secret and text of an attacker's
    choice cannot share a window that is not there. With a `keepalive` that looks after it, picows is to leave pings and
    pongs to this class.
    """

    def __init__(
        self,
        receiver: Receiver,
        limits: Limits,
        *,
        inflater: Inflater | None = None,
        keepalive: Keepalive | None = None,
    ) -> None:
        """Deliver to `receiver`."""
        self._receiver = receiver
        self._inflater = inflater
        self._keepalive = keepalive
        self._compressed = False
        self._heard = True
        self._quiet_since = self._asked_at = self._stalled_since = 0.0
        self._pongs = 0
        self._is_full = self._is_paused = self._is_slowed = False
        self._limits = limits
        self._transport: picows.WSTransport | None = None
        self._parts: list[bytes] = []
        self._closing = False

    def send(self, data: bytes) -> None:
        """Queue a text message."""
        if self._transport is not None and not self._closing:
            self._transport.send(picows.WSMsgType.TEXT, data)

    def close(self, code: int, reason: str = "") -> None:
        """Send a close frame and disconnect."""
        if self._transport is not None and not self._closing:
            self._closing = True
            self._transport.send_close(picows.WSCloseCode(code), reason.encode()[:123])
            self._transport.disconnect()

    def pause_reading(self) -> None:
        """Stop taking bytes from the network."""
        if self._transport is not None and not self._closing:
            self._is_paused = True
            self._transport.underlying_transport.pause_reading()

    def resume_reading(self) -> None:
        """Take bytes again."""
        if self._transport is not None and not self._closing:
            self._is_paused = False
            if not self._is_slowed:
                self._transport.underlying_transport.resume_reading()

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        """Hand the socket to its owner."""
        self._transport = transport
        transport.underlying_transport.set_write_buffer_limits(high=self._limits.max_unsent_bytes)
        if self._keepalive is not None:
            self._quiet_since = asyncio.get_running_loop().time()
            self._keepalive.watch(self)
        self._receiver.opened(self)

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """Take one frame."""
        self._heard = True
        if self._closing:
            return
        if frame.rsv1 or frame.rsv2 or frame.rsv3:
            first = frame.msg_type is picows.WSMsgType.TEXT and not self._parts
            if not (self._inflater is not None and first) or frame.rsv2 or frame.rsv3:
                self.close(1002, "reserved bits")
                return
            self._compressed = True
        match frame.msg_type:
            case picows.WSMsgType.TEXT if frame.fin and not self._parts:
                self._deliver(frame.get_payload_as_bytes())
            case picows.WSMsgType.TEXT | picows.WSMsgType.CONTINUATION:
                self._join(frame)
            case picows.WSMsgType.BINARY:
                self.close(1003, "text only")
            case picows.WSMsgType.PING:
                self._answer_ping(transport, frame)
            case picows.WSMsgType.CLOSE:
                self._closing = True
                transport.send_close(frame.get_close_code(), frame.get_close_message())
                transport.disconnect()

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        """Tell the owner."""
        del transport
        self._closing = True
        if self._keepalive is not None:
            self._keepalive.forget(self)
        self._receiver.closed()

    def pause_writing(self) -> None:
        """Tell the owner that the send queue is full."""
        self._is_full = True
        self._receiver.writable(yes=False)

    def resume_writing(self) -> None:
        """Tell the owner that the send queue has room."""
        self._is_full = False
        self._receiver.writable(yes=True)

    def look(self, now: float) -> None:
        """Ping a silent peer; drop one that does not answer, that does not read, or never ends a message."""
        if self._transport is None:
            return
        self._pongs = 0
        if not (self._is_full or self._parts or self._closing):
            self._stalled_since = 0.0
        elif not self._stalled_since:
            self._stalled_since = now
        elif now - self._stalled_since >= self._limits.stalled_s:
            self._drop("stalled")
            return
        if self._heard or self._is_paused:
            self._heard, self._quiet_since, self._asked_at = False, now, 0.0
        elif self._asked_at:
            if now - self._asked_at >= self._limits.ping_timeout_s:
                self._drop("no answer to a ping")
        elif now - self._quiet_since >= self._limits.ping_interval_s:
            self._asked_at = now
            self._transport.send_ping()

    def _answer_ping(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        self._pongs += 1
        if self._pongs > MAX_PONGS:
            self._slow_down()
        elif not self._is_full:
            transport.send_pong(frame.get_payload_as_bytes())

    def _slow_down(self) -> None:
        """Read nothing for a while from a peer that floods with pings: others want to be heard, too."""
        if self._transport is not None and not self._is_slowed:
            self._is_slowed = True
            self._transport.underlying_transport.pause_reading()
            asyncio.get_running_loop().call_later(FLOOD_DELAY_S, self._speed_up)

    def _speed_up(self) -> None:
        self._is_slowed = False
        if self._transport is not None and not self._closing and not self._is_paused:
            self._transport.underlying_transport.resume_reading()

    def _drop(self, reason: str) -> None:
        """Say why, and wait for nothing: who does not read does not take part in a closing handshake either."""
        self.close(1001, reason)
        if self._transport is not None:
            self._transport.underlying_transport.abort()

    def _join(self, frame: picows.WSFrame) -> None:
        if (frame.msg_type is picows.WSMsgType.TEXT) is bool(self._parts):
            self.close(1002, "fragments out of order")
            return
        self._parts.append(frame.get_payload_as_bytes())
        if sum(map(len, self._parts)) > self._limits.max_message_bytes or len(self._parts) > MAX_FRAGMENTS:
            self.close(1009, "message too big")
        elif frame.fin:
            whole, self._parts = b"".join(self._parts), []
            self._deliver(whole)

    def _deliver(self, data: bytes) -> None:
        if not self._compressed:
            self._receiver.received(data)
            return
        self._compressed = False
        assert self._inflater is not None  # noqa: S101 - only then is a compressed frame taken
        try:
            plain = self._inflater.inflate(data)
        except InflateError as error:
            self.close(error.code, error.reason)
            return
        self._receiver.received(plain)
