"""No protection, and TLS that the man in the middle ends: to him, and to what he can do, they are the same."""

import ssl
from collections.abc import Sequence
from pathlib import Path

from wattseal.lab.compare.protection import Packet, websocket_bytes
from wattseal.lab.compare.session import Message, Received, lowered, stop_of


class Plain:
    """OCPP over `ws`."""

    name = "no protection"
    note = "OCPP-J over ws"

    def pack(self, messages: Sequence[Message]) -> list[Packet]:
        """Return the messages as they are."""
        return [(message.text,) for message in messages]

    def unpack(self, packets: Sequence[Packet]) -> Received:
        """Return the stop; without one the session is doubted, nothing else can be."""
        stop_wh = stop_of([frame for (frame,) in packets])
        return Received(stop_wh, "" if stop_wh is not None else "no stop came", len(packets))

    def read(self, packets: Sequence[Packet]) -> int | None:
        """Return what stands there."""
        return stop_of([frame for (frame,) in packets])

    def lower(self, packets: Sequence[Packet], by_wh: int) -> list[Packet]:
        """Write another number."""
        return [(lowered(frame, by_wh),) if stop_of([frame]) is not None else (frame,) for (frame,) in packets]

    def without(self, packet: Packet) -> Packet | None:
        """Leave nothing."""
        del packet
        return None

    def wire_bytes(self, packets: Sequence[Packet]) -> int:
        """Return the frames' sizes."""
        return sum(websocket_bytes(frame) for packet in packets for frame in packet)


class TlsEnded(Plain):
    """OCPP over `wss`, where the hop that ends TLS is the man in the middle: a proxy, a hub, or the operator itself."""

    name = "TLS ended by him"
    note = "OCPP-J over wss (TLS 1.3); the hop that ends it reads and writes plain text"

    def __init__(self, certificate: Path, key: Path) -> None:
        """Use the certificate that the station believes; it is his."""
        self._certificate, self._key = certificate, key

    def wire_bytes(self, packets: Sequence[Packet]) -> int:
        """Return the bytes of a real TLS connection that carries the frames, its handshake included."""
        station, hop = _Side(_client(self._certificate)), _Side(_server(self._certificate, self._key), server=True)
        total = 0
        while not (station.done and hop.done):
            station.shake()
            total += station.give(hop)
            hop.shake()
            total += hop.give(station)
        for packet in packets:
            for frame in packet:
                station.tls.write(bytes(websocket_bytes(frame)))
                total += station.give(hop)
        return total


def _client(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


def _server(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


class _Side:
    """One end of a TLS connection in memory."""

    def __init__(self, context: ssl.SSLContext, *, server: bool = False) -> None:
        self.heard, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        name = None if server else "localhost"
        self.tls = context.wrap_bio(self.heard, self._out, server_side=server, server_hostname=name)
        self.done = False

    def shake(self) -> None:
        if self.done:
            return
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            return
        self.done = True

    def give(self, other: "_Side") -> int:
        data = self._out.read()
        other.heard.write(data)
        return len(data)
