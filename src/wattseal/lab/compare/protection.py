"""What a protection must show: what goes over the wire, what the receiver takes, what a man in the middle can do."""

from collections.abc import Sequence
from typing import Protocol

from wattseal.lab.compare.session import Message, Received

Packet = tuple[bytes, ...]
"""What one message is on the wire: a frame a path, most use one."""


class Protection(Protocol):
    """One way. A session is packed by the station and unpacked by whoever has to believe it.

    The man in the middle holds the hop: he sees whole packets, may change or leave out any, and knows all that is
    public. He has no key of the station's or the receiver's.
    """

    name: str
    note: str

    def pack(self, messages: Sequence[Message]) -> list[Packet]:
        """Return what the station sends, a packet a message."""

    def unpack(self, packets: Sequence[Packet]) -> Received:
        """Return what the receiver makes of the packets that arrive."""

    def read(self, packets: Sequence[Packet]) -> int | None:
        """Return the register of the stop as the man in the middle reads it, None where he cannot."""

    def lower(self, packets: Sequence[Packet], by_wh: int) -> list[Packet]:
        """Return packets with a lower stop: the best he can do."""

    def without(self, packet: Packet) -> Packet | None:
        """Return what is left of a packet when he lets nothing of it pass; None where nothing is."""

    def wire_bytes(self, packets: Sequence[Packet]) -> int:
        """Return what the packets take on the wire, framing and handshakes of this way included."""


def websocket_bytes(frame: bytes) -> int:
    """Return the size of a masked WebSocket frame (RFC 6455, 5.2)."""
    length = 0 if len(frame) < 126 else 2 if len(frame) < 2**16 else 8
    return 2 + length + 4 + len(frame)
