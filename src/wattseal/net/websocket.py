"""WebSockets as the rest sees them: the transport interface, and picows behind it.

Text messages only, complete and bounded, their UTF-8 unchecked; compressed ones (RFC 7692) arrive inflated.
docs/adr/0008-websocket-library.md says why this library; another one has to provide the classes of this file and of
`serve.websocket`.
"""

import zlib
from dataclasses import dataclass
from typing import Protocol

import picows

_DEFLATE_TAIL = b"\x00\x00\xff\xff"
"""What a sender strips from each compressed message (RFC 7692, 7.2.1)."""
MAX_FRAGMENTS = 1024
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
    """Bounds of every connection. A half-open peer is gone after `ping_interval_s` + `ping_timeout_s` of silence."""

    max_message_bytes: int = 128 * 1024
    ping_interval_s: float = 30.0
    ping_timeout_s: float = 30.0
    max_unsent_bytes: int = 256 * 1024


class PicowsSocket(picows.WSListener):
    """A picows connection as `Socket`; joins fragments, inflates, and bounds both.

    With `inflates` the peer may compress its messages, each on its own. Ours are never compressed: a secret and text of
    an attacker's choice cannot share a window that is not there.
    """

    def __init__(self, receiver: Receiver, limits: Limits, *, inflates: bool = False) -> None:
        """Deliver to `receiver`."""
        self._receiver = receiver
        self._inflates = inflates
        self._compressed = False
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
            self._transport.underlying_transport.pause_reading()

    def resume_reading(self) -> None:
        """Take bytes again."""
        if self._transport is not None and not self._closing:
            self._transport.underlying_transport.resume_reading()

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        """Hand the socket to its owner."""
        self._transport = transport
        transport.underlying_transport.set_write_buffer_limits(high=self._limits.max_unsent_bytes)
        self._receiver.opened(self)

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """Take one frame."""
        if self._closing:
            return
        if frame.rsv1 or frame.rsv2 or frame.rsv3:
            first = frame.msg_type is picows.WSMsgType.TEXT and not self._parts
            if not (self._inflates and first) or frame.rsv2 or frame.rsv3:
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
            case picows.WSMsgType.CLOSE:
                self._closing = True
                transport.send_close(frame.get_close_code(), frame.get_close_message())
                transport.disconnect()

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        """Tell the owner."""
        del transport
        self._closing = True
        self._receiver.closed()

    def pause_writing(self) -> None:
        """Tell the owner that the send queue is full."""
        self._receiver.writable(yes=False)

    def resume_writing(self) -> None:
        """Tell the owner that the send queue has room."""
        self._receiver.writable(yes=True)

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
        most = self._limits.max_message_bytes
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            plain = inflater.decompress(data + _DEFLATE_TAIL, most + 1)
        except zlib.error:
            self.close(1007, "not deflated")
            return
        if len(plain) > most:
            self.close(1009, "message too big")
        else:
            self._receiver.received(plain)
