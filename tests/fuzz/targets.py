"""Every parser that meets bytes from outside, as something to be fuzzed: what is fed to it, and what must hold then.

A target's `check` raises where a promise is broken: an exception nobody announced, an answer that is no answer, a
signature that verifies over what was not signed.
"""

import asyncio
import base64
import json
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any, cast
from urllib.parse import quote

import msgspec
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import strategies as st
from tests.edge.edge_world import LOG, NOW_MS, ORIGIN
from tests.edge.edge_world import key as edge_key
from tests.edge.edge_world import site as edge_site
from tests.fuzz.codes import CODES, check_code
from tests.fuzz.mutations import bent, spoilt
from tests.fuzz.samples import CDR, ENVELOPE, FRAMES, TARIFF
from tests.fuzz.stations import check_conversation, conversations
from tests.support.charges import charge, pen, signing_key
from tests.support.meters import METER_SPKI, transaction
from tests.support.other_meters import RECORDS as OTHER_RECORDS
from tests.support.pki import Ca, csr
from tests.support.receipts import receipt_exi, vehicle
from tests.support.worlds import sealed_charge, trust
from tests.wire.ocpp_payloads import payloads, schemas

from wattseal import evidence
from wattseal.base.canonical import canonical
from wattseal.base.errors import InputError, LimitError, WattsealError
from wattseal.bundle.check import check_bundle
from wattseal.bundle.report import Outcome
from wattseal.bundle.trust import Trust
from wattseal.crypto.certificates import read_bundle, read_certificate, read_crl
from wattseal.crypto.message_keys import read_message_certificate, self_signed
from wattseal.crypto.ocsp import Target as OcspTarget
from wattseal.crypto.ocsp import read_response
from wattseal.crypto.signing_requests import read_request
from wattseal.evidence import ocpp_jws, xml_transparency
from wattseal.evidence.iso15118_exi import read_receipt, read_signed_info
from wattseal.evidence.ocpp_jws_build import MessageSigner
from wattseal.model.station import Station
from wattseal.model.verdict import Verdict
from wattseal.net.deflate import WINDOW_BITS, InflateError, Inflater, negotiate_deflate
from wattseal.parties.edge.commands import checked, opened
from wattseal.parties.edge.state import EdgeState
from wattseal.parties.edge.upstream import object_in
from wattseal.rules.pki import CertificateVerdict, StationTrust, judge_certificate, judge_request
from wattseal.seal import dcbor
from wattseal.seal.command import SignedCommand, issue
from wattseal.seal.item import parse_item
from wattseal.serve.ocpp_ws import basic_credentials, negotiate, station_of
from wattseal.serve.proxy import CertificateHeader, Proxies
from wattseal.serve.websocket import Request, _parse
from wattseal.wire.ocpi.v2_2_1.cdrs import decode_cdr, encode_cdr
from wattseal.wire.ocpi.v2_2_1.envelope import decode_response
from wattseal.wire.ocpi.v2_2_1.tariffs import decode_tariff
from wattseal.wire.ocpi.v2_3_0 import tariffs as v2_3_0
from wattseal.wire.ocpp import catalog
from wattseal.wire.ocpp import evidence as carriers
from wattseal.wire.ocpp.message import Lifted, Sender
from wattseal.wire.ocpp.rpc import Call, CallResult, Connection, Violation
from wattseal.wire.ocpp.signed import Unwrapped, payload_in, unwrap
from wattseal.wire.ocpp.signed_commands import announced, announcement, command_beside, payload_hash, with_command
from wattseal.wire.ocpp.version import Refusal, Version

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Target:
    """What to draw, what must hold for it, and how many times longer than for others that takes."""

    strategy: st.SearchStrategy[Any]
    check: Callable[[Any], None]
    weight: int = 1


_ENCODED = tuple(json.dumps(frame).encode() for frame in FRAMES)


def check_frame(data: bytes) -> None:
    """A frame is an event or too big; what is answered is a CALLERROR of printable words; what parses, lifts."""
    for version in Version:
        connection = Connection(version)
        connection.call("1", "Heartbeat" if version is Version.V16 else "ClearCache", b"{}")
        try:
            event = connection.receive(data, AT)
        except LimitError:
            assert len(data) > connection.max_frame_bytes
            continue
        if isinstance(event, Violation):
            kind, _, code, text, details = json.loads(event.reply)
            assert (kind, details) == (4, {})
            assert code == event.refusal.fault.code(version)
            assert len(text) <= 255
            assert text.isascii()
        elif isinstance(event, CallResult):
            catalog.hear(version, event)
        elif isinstance(event, Call):
            _check_call(version, event)


def _check_call(version: Version, call: Call) -> None:
    for sender in Sender:
        lifted = catalog.lift(version, call, sender)
        assert isinstance(lifted, Lifted | Refusal)
    unwrapped = unwrap(version, call)
    if isinstance(unwrapped, Unwrapped):
        assert payload_in(call.raw) == unwrapped.message.payload
        _check_call(version, unwrapped.call)


@st.composite
def messages(draw: st.DrawFn) -> tuple[Version, str, str, bytes]:
    """Draw a payload of any schema: mostly right, sometimes bent."""
    key = draw(st.sampled_from(sorted(schemas(), key=str)))
    payload = draw(payloads(schemas()[key]))
    text = draw(bent([payload])) if payload and draw(st.booleans()) else json.dumps(payload).encode()
    return (*key, text)


def check_payload(drawn: tuple[Version, str, str, bytes]) -> None:
    """A request lifts or is refused, a response is heard or refused."""
    version, action, side, payload = drawn
    connection = Connection(version, max_frame_bytes=1 << 20)
    if side == "Request":
        event = connection.receive(b'[2,"1","%b",%b]' % (action.encode(), payload), AT)
        if isinstance(event, Call):
            _check_call(version, event)
    else:
        connection.call("1", action, b"{}")
        result = connection.receive(b'[3,"1",%b]' % payload, AT)
        if isinstance(result, CallResult):
            catalog.hear(version, result)


_RECORDS = (transaction(), transaction(begin_wh="0", end_wh="1"))


def check_ocmf(data: bytes) -> None:
    """A record has a verdict; none is valid but what the meter signed."""
    checked = evidence.check(data, [METER_SPKI])
    if checked.verdict is Verdict.VALID:
        assert data.strip(b" \t\r\n").split(b"|")[1] in {record.split(b"|")[1] for record in _RECORDS}
    carriers.lift_16(data.decode("latin-1"), [])


_KEY = signing_key("fuzz")
_CERTIFICATE = read_message_certificate(self_signed(_KEY, "fuzz", 1, AT))
_SIGNER = MessageSigner(_KEY, _CERTIFICATE.thumbprint)
_PAYLOADS = (b"{}", b'{"reason":"PowerUp"}')
_SIGNED = tuple(_SIGNER.sign(payload, "Heartbeat", 2) for payload in _PAYLOADS)


_OTHERS = {name: evidence.check(raw, [key]).meaning for name, (raw, key) in OTHER_RECORDS.items()}


def check_other_meters(data: bytes) -> None:
    """A record of the older formats has a verdict; none is valid but with the values that the meter signed."""
    checked = evidence.check(data, [key for _, key in OTHER_RECORDS.values()])
    assert checked.reason
    if checked.verdict is Verdict.VALID:
        assert checked.meaning == _OTHERS[checked.format]


_RECEIPT = vehicle().receipt(12_345, 1_772_000_000)
_RECEIPT_MEANING = evidence.check(_RECEIPT, [vehicle().roots[0].der]).meaning


def check_receipt(data: bytes) -> None:
    """A vehicle's receipt has a verdict; none is valid but with what it signed. Its EXI reads in one way or none."""
    checked = evidence.check(data, [vehicle().roots[0].der])
    assert checked.reason
    if checked.verdict is Verdict.VALID:
        assert checked.meaning == _RECEIPT_MEANING
    with suppress(InputError):
        assert receipt_exi(read_receipt(data)) == data
    with suppress(InputError):
        read_signed_info(data)


def check_jws(data: bytes) -> None:
    """A signed message has a verdict; none is valid but what the key signed."""
    checked = ocpp_jws.FORMAT.check(data, [_CERTIFICATE.spki])
    if checked.verdict is Verdict.VALID:
        assert ocpp_jws.read(data).payload in _PAYLOADS
    check_frame(b'[2,"1","Heartbeat-Signed",%b]' % data)


_ITEMS = tuple(item.encode() for item in charge(pen(), readings=1))


def check_cbor(data: bytes) -> None:
    """What decodes has this one spelling; what is an item is encoded as it came."""
    try:
        value = dcbor.decode(data)
    except InputError:
        return
    assert dcbor.encode(value) == data
    try:
        item = parse_item(data)
    except InputError:
        return
    assert item.encode() == data


_LIMIT: dict[str, Any] = {"evseId": 1, "chargingProfile": {"id": 7, "chargingSchedule": [{"id": 1, "limit": 16}]}}
_SIGNED_COMMAND = SignedCommand(ORIGIN, "SetChargingProfile", payload_hash(_LIMIT), bytes(32), NOW_MS, NOW_MS + 30_000)
_STATEMENT = issue(_SIGNED_COMMAND, edge_key("csms"), LOG).encode()
_COMMANDS = (with_command(_LIMIT, _STATEMENT), announcement(_STATEMENT)[1])
_SITE = edge_site()


def check_command(data: bytes) -> None:
    """What comes down to an edge passes as it was signed, or is refused; a JSON text has one canonical spelling."""
    payload = object_in(data)
    if payload is None:
        return
    text = canonical(payload)
    again = object_in(text)
    assert again is not None
    assert canonical(again) == text
    for statement in (command_beside(payload), announced(payload)):
        said = opened(_SITE, statement) if statement is not None else None
        if isinstance(said, SignedCommand):
            assert said == _SIGNED_COMMAND
            if isinstance(checked(EdgeState(), _SITE, said, (said.action, payload), NOW_MS), EdgeState):
                assert payload_hash(payload) == _SIGNED_COMMAND.payload


_BUNDLE = sealed_charge(readings=1)
_TRUST = trust()


def check_a_bundle(data: bytes) -> None:
    """A bundle is judged; none is valid but the one that was made."""
    report = check_bundle(data, _TRUST)
    assert report.verdict is not Outcome.VALID or data == _BUNDLE.bundle.encode()


def check_trust(data: bytes) -> None:
    """A trust file is read or refused with a code."""
    try:
        Trust.parse(data)
    except WattsealError:
        return


def check_ocpi(data: bytes) -> None:
    """An object of OCPI is read or refused; what was read, unless too long to be sent, is the same when read again."""
    for read in (decode_tariff, v2_3_0.decode_tariff, decode_cdr, decode_response):
        try:
            value = cast("Callable[[bytes], Any]", read)(data)
            if read is decode_cdr:
                encoded, omitted = encode_cdr(value)
                assert omitted or decode_cdr(encoded) == value
        except InputError:
            continue


_TRANSPARENCY = (
    b'<?xml version="1.0"?><values><value transactionId="1"><signedData format="OCMF" encoding="plain">%b</signedData>'
    b'<publicKey encoding="hex">%b</publicKey></value></values>' % (transaction(), METER_SPKI.hex().encode())
)


def check_xml(data: bytes) -> None:
    """A transparency file is read or refused; its values have verdicts."""
    try:
        for value in xml_transparency.read(data):
            xml_transparency.check(value)
    except InputError:
        return


def _deflated() -> tuple[bytes, ...]:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -WINDOW_BITS)
    return tuple((compressor.compress(text) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4] for text in _ENCODED)


def check_deflate(drawn: list[bytes]) -> None:
    """Whatever comes compressed is inflated within bounds, or ends the connection with a code."""
    for keeps in (True, False):
        inflater = Inflater(10_000, keeps_window=keeps)
        try:
            for data in drawn:
                assert len(inflater.inflate(data)) <= 10_000
        except InflateError:
            continue


_UPGRADE = (
    b"GET /ocpp/CP1?x=1 HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Authorization: Basic Q1AxOnNlY3JldA==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=15\r\n"
    b"Sec-WebSocket-Protocol: ocpp2.0.1, ocpp1.6\r\n\r\n"
)


class _NoTransport(asyncio.Transport):
    def get_extra_info(self, name: str, default: object = None) -> Any:
        return ("127.0.0.1", 1) if name == "peername" else default


def check_upgrade(data: bytes) -> None:
    """A request to upgrade is understood or is none."""
    request = _parse(data + b"\r\n\r\n", _NoTransport())
    if request is None:
        return
    named = station_of(request.target)
    assert named is None or (named.isascii() and 1 <= len(named) <= 48)
    basic_credentials(request.header("authorization"))
    negotiate(request.header("sec-websocket-protocol"), tuple(Version))
    agreed = negotiate_deflate(request.header("sec-websocket-extensions"))
    assert agreed is None or agreed.header.isascii()


_CA = Ca.make()
_LEAF = _CA.issue("CS1", extensions=(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]),))
_CERTIFICATES = (_LEAF.pem(), _LEAF.der, _CA.crl(_LEAF), csr("CS1"))
_TRUSTED = read_bundle(_CA.pem())


def check_certificate(data: bytes) -> None:
    """Certificates, lists and requests are read or refused; what the authority did not sign is never its own."""
    station = Station(id="CS1")
    with suppress(InputError):
        read = read_certificate(data)
        verdict = judge_certificate(read, station, StationTrust(_TRUSTED), read.not_before)
        assert verdict is not CertificateVerdict.GOOD or read.der == _LEAF.der
    with suppress(InputError):
        read_crl(data, _TRUSTED)
    with suppress(InputError):
        judge_request(read_request(data), station, "CPO", ())
    with suppress(InputError):
        read_response(data, OcspTarget("SHA256", "00" * 32, "00" * 32, "01"))


_FORWARDED = (
    b"x-forwarded-for: 203.0.113.9, [2001:db8::1]:99\r\nx-forwarded-proto: https",
    b"client-cert: :" + base64.b64encode(_LEAF.der) + b":",
    b'x-forwarded-client-cert: Hash=0;Cert="' + quote(_LEAF.pem()).encode() + b'";By=x',
    b"ssl-client-cert: " + quote(_LEAF.pem()).encode(),
)


def check_forwarded(data: bytes) -> None:
    """What a proxy says is read or refused, and believed of a listed one only."""
    lines = [line.partition(": ") for line in data.decode("latin-1").split("\r\n")]
    headers = tuple((name.lower(), value) for name, _, value in lines)
    for header in CertificateHeader:
        for remote in ("10.0.0.1", "192.0.2.1", "no address"):
            came = Proxies((ip_network("10.0.0.0/8"),), header).came(Request("/ocpp/CS1", headers, remote))
            if remote != "10.0.0.1":
                assert came is not None
                assert (came.remote, came.secure, came.certificate) == (remote, False, None)


TARGETS: dict[str, Target] = {
    "certificate": Target(spoilt(_CERTIFICATES), check_certificate),
    "forwarded": Target(spoilt([_FORWARDED[0] + b"\r\n" + more for more in _FORWARDED]), check_forwarded),
    "frame": Target(spoilt(_ENCODED) | bent(FRAMES), check_frame),
    "payload": Target(messages(), check_payload),
    "station": Target(conversations(), check_conversation, weight=5),
    "ocmf": Target(spoilt(_RECORDS), check_ocmf),
    "other-meters": Target(spoilt([raw for raw, _ in OTHER_RECORDS.values()]), check_other_meters),
    "receipt": Target(spoilt([_RECEIPT, *dcbor.decode(_RECEIPT)[1:3]]), check_receipt),
    "jws": Target(spoilt(_SIGNED), check_jws),
    "cbor": Target(spoilt(_ITEMS), check_cbor),
    "code": Target(spoilt(CODES), check_code),
    "command": Target(spoilt(_COMMANDS) | bent([json.loads(text) for text in _COMMANDS]), check_command),
    "bundle": Target(spoilt([_BUNDLE.bundle.encode()]), check_a_bundle),
    "trust": Target(spoilt([_TRUST.to_json()]) | bent([json.loads(_TRUST.to_json())]), check_trust),
    "ocpi": Target(
        spoilt([msgspec.json.encode(CDR), msgspec.json.encode(TARIFF)]) | bent([CDR, TARIFF, ENVELOPE]), check_ocpi
    ),
    "xml": Target(spoilt([_TRANSPARENCY]), check_xml),
    "deflate": Target(st.lists(spoilt(_deflated()), max_size=8), check_deflate),
    "upgrade": Target(spoilt([_UPGRADE]), check_upgrade),
}
