"""Bytes on the wire of one OCPP 1.6 transaction, both directions: plain, signed, sealed, and under mutual TLS.

    python -m bench --only wire_bytes

Counted are WebSocket frames, masked as stations mask them, and TLS records; not the upgrade, nor TCP and IP, which are
the same for all. The transaction is the one of the other benchmarks: start, ten meter values of ~499 bytes, three
heartbeats, stop. A direct station's records are chained by the CSMS, at no byte on the wire; its meter signs begin and
end once. An edge sends records of its own instead of the station's messages. Mutual TLS 1.3 has P-256 certificates
under one sub-CA each (OCPP security profile 3), once with a handshake for the transaction and once without.
"""

import asyncio
import json
import ssl
import tempfile
import zlib
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.load import prepare
from bench.measure import Row, at_most
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.edge.edge_bench import MemoryCsms, bench
from tests.edge.edge_world import site

from wattseal.net.deflate import WINDOW_BITS
from wattseal.parties.edge.state import Mode
from wattseal.wire.ocpp.rpc import CallError, CallResult

GROUP = "Bytes of one OCPP 1.6 transaction on the wire"
CHAINED = "chain + one meter signature"
MESSAGE_ID = "0b8e8d0a-7a44-4c5c-9c7b-8f0f5f3f2d11"
TRANSACTION_ID = 1999999999
_ANSWERS: dict[str, dict[str, Any]] = {
    "StartTransaction": {"transactionId": TRANSACTION_ID, "idTagInfo": {"status": "Accepted"}},
    "StopTransaction": {"idTagInfo": {"status": "Accepted"}},
    "Heartbeat": {"currentTime": "2026-01-15T10:00:00Z"},
    "MeterValues": {},
}


@dataclass(frozen=True, slots=True)
class Talk:
    """The messages of one transaction in order: `(up, text)`."""

    messages: tuple[tuple[bool, bytes], ...]

    @property
    def size(self) -> int:
        """Bytes as WebSocket frames."""
        return sum(websocket_size(text, masked=up) for up, text in self.messages)


def websocket_size(text: bytes, *, masked: bool) -> int:
    """Return the size of the frame (RFC 6455, 5.2)."""
    length = 0 if len(text) < 126 else 2 if len(text) < 2**16 else 8
    return 2 + length + (4 if masked else 0) + len(text)


def direct(*, signed: bool) -> Talk:
    """Return what a stock station and its CSMS say."""
    messages = []
    for prepared in prepare(0, 0, signed=signed):
        _, _, action, payload = json.loads(prepared)
        messages += [(True, _text([2, MESSAGE_ID, action, payload])), (False, _text([3, MESSAGE_ID, _ANSWERS[action]]))]
    return Talk(tuple(messages))


def _text(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def compressed(talk: Talk) -> int:
    """Return the bytes where the station compresses what it says, with the window that a CSMS grants (RFC 7692)."""
    deflate = zlib.compressobj(wbits=-WINDOW_BITS)
    size = 0
    for up, text in talk.messages:
        if up:
            text = (deflate.compress(text) + deflate.flush(zlib.Z_SYNC_FLUSH))[:-4]  # noqa: PLW2901 - as it is sent
        size += websocket_size(text, masked=up)
    return size


@dataclass
class Ear(MemoryCsms):
    """A CSMS that writes down what is said."""

    heard: list[tuple[bool, bytes]] = field(default_factory=list)

    async def call(self, action: str, payload: bytes) -> CallResult | CallError:
        """Answer, and note both texts as frames."""
        answer = await super().call(action, payload)
        assert isinstance(answer, CallResult)
        self.heard.append((True, b'[2,"%b","%b",%b]' % (MESSAGE_ID.encode(), action.encode(), payload)))
        self.heard.append((False, b'[3,"%b",%b]' % (MESSAGE_ID.encode(), bytes(answer.payload))))
        return answer


async def behind_an_edge(mode: Mode, folder: Path) -> Talk:
    """Return what an edge and its CSMS say while a stock station charges behind it."""
    at = site(mode)
    ear = Ear(at)
    async with bench(folder, at, csms=ear) as b:
        await b.say("BootNotification", {"chargePointVendor": "v", "chargePointModel": "m"})
        await b.settle()
        ear.heard.clear()
        transaction_id = 0
        for prepared in prepare(0, 0, signed=False):
            _, _, action, payload = json.loads(prepared)
            if "transactionId" in payload:
                payload["transactionId"] = transaction_id
            told = await b.say(action, payload)
            transaction_id = told.get("transactionId", transaction_id)
        await b.settle()
        return Talk(tuple(ear.heard))


Signer = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


def _certificate(name: str, above: Signer | None, *, ca: bool) -> Signer:
    key = ec.generate_private_key(ec.SECP256R1())
    names = ((NameOID.ORGANIZATION_NAME, "bench"), (NameOID.COMMON_NAME, name))
    subject = x509.Name([x509.NameAttribute(oid, text) for oid, text in names])
    now = datetime(2026, 1, 1, tzinfo=UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if above is None else above[0].subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=400))
        .not_valid_after(now + timedelta(days=4000))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    )
    return builder.sign(key if above is None else above[1], hashes.SHA256()), key


def _context(folder: Path, side: str, root: Signer, other_root: Signer) -> ssl.SSLContext:
    sub = _certificate(f"{side} sub", root, ca=True)
    leaf = _certificate(side, sub, ca=False)
    path = folder / f"{side}.pem"
    pem = serialization.Encoding.PEM
    key = leaf[1].private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(key + leaf[0].public_bytes(pem) + sub[0].public_bytes(pem))
    trusted = folder / f"{side}-trusts.pem"
    trusted.write_bytes(other_root[0].public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT if side == "station" else ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    context.load_verify_locations(trusted)
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


class Line:
    """Two TLS ends in memory; `sent` counts what goes over the wire between them."""

    def __init__(self, station: ssl.SSLContext, csms: ssl.SSLContext) -> None:
        """Connect, hands not yet shaken."""
        self.sent = 0
        self._up, self._down = (ssl.MemoryBIO(), ssl.MemoryBIO()), (ssl.MemoryBIO(), ssl.MemoryBIO())
        self.station = station.wrap_bio(self._down[1], self._up[0], server_hostname="localhost")
        self.csms = csms.wrap_bio(self._up[1], self._down[0], server_side=True)

    def carry(self) -> None:
        """Take what either end has written to the other."""
        for written, to_read in (self._up, self._down):
            data = written.read()
            self.sent += len(data)
            to_read.write(data)

    def shake_hands(self) -> None:
        """Complete the handshake; the session tickets go over as well."""
        waiting = [self.station, self.csms]
        while waiting:
            for end in tuple(waiting):
                with suppress(ssl.SSLWantReadError):
                    end.do_handshake()
                    waiting.remove(end)
                self.carry()


def mutual_tls(talk: Talk) -> tuple[int, int]:
    """Return (bytes of the handshake, bytes of the talk) under mutual TLS 1.3, one record a WebSocket frame."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        roots = _certificate("station root", None, ca=True), _certificate("csms root", None, ca=True)
        line = Line(_context(folder, "station", *roots), _context(folder, "csms", *reversed(roots)))
    line.shake_hands()
    handshake = line.sent
    for up, text in talk.messages:
        frame = bytes(websocket_size(text, masked=up))
        sender, receiver = (line.station, line.csms) if up else (line.csms, line.station)
        sender.write(frame)
        line.carry()
        assert receiver.read(len(frame)) == frame
    return handshake, line.sent - handshake


def measure(*, quick: bool = False) -> list[Row]:
    """Return the bytes of each way, as multiples of plain `ws`."""
    del quick  # nothing is timed
    plain, signed = direct(signed=False), direct(signed=True)
    handshake, records = mutual_tls(plain)
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        edge_signed = asyncio.run(behind_an_edge(Mode.SIGNED, Path(first)))
        edge_sealed = asyncio.run(behind_an_edge(Mode.SEALED, Path(second)))
    tls = handshake + records
    little, little_met = at_most(signed.size / plain.size, 1.06)
    cheaper, cheaper_met = at_most(signed.size / tls, 0.75)
    small = compressed(signed)
    smaller, smaller_met = at_most(small / plain.size, 0.45)
    return [
        Row(GROUP, "plain `ws`", plain.size, "B", 1, "plain"),
        Row(
            GROUP,
            CHAINED,
            signed.size,
            "B",
            signed.size / plain.size,
            "plain",
            little,
            little_met,
        ),
        Row(GROUP, f"{CHAINED}, deflated", small, "B", small / plain.size, "plain", smaller, smaller_met),
        Row(GROUP, "plain under mutual TLS 1.3, a connection a transaction", tls, "B", tls / plain.size, "plain"),
        Row(GROUP, "plain under mutual TLS 1.3, connection open", records, "B", records / plain.size, "plain"),
        Row(
            GROUP,
            CHAINED,
            signed.size,
            "B",
            signed.size / tls,
            "mutual TLS, handshake included",
            cheaper,
            cheaper_met,
        ),
        Row(
            GROUP,
            "edge, signed records, open to the CPO",
            edge_signed.size,
            "B",
            edge_signed.size / plain.size,
            "plain",
            note=f"{edge_signed.size / tls:.2f}x mutual TLS",
        ),
        Row(
            GROUP,
            "edge, sealed for two readers",
            edge_sealed.size,
            "B",
            edge_sealed.size / plain.size,
            "plain",
            note=f"{edge_sealed.size / tls:.2f}x mutual TLS",
        ),
    ]
