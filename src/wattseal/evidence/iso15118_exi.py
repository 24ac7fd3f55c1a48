"""The two EXI fragments of an ISO 15118-2 metering receipt, by their grammars in strict reading.

`MeteringReceiptReq` is of the schema V2G_CI_MsgBody (8-bit event codes of a fragment: 121 for it, 244 for the end),
`SignedInfo` of xmldsig-core-schema (6 bits: 32 and 46). Optional elements shorten what follows; each number below is an
event code of the state it is read in.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from wattseal.evidence.exi import BitReader, malformed

CANONICAL_EXI = "http://www.w3.org/TR/canonical-exi/"
ECDSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
MAX_TEXT = 64
MAX_URI = 128
T = TypeVar("T")
_UINT64, _INT64, _INT16 = 2**64 - 1, 2**63 - 1, 2**15 - 1


@dataclass(frozen=True, slots=True)
class MeterInfo:
    """What the station's meter said and the vehicle signed: `reading_wh` in Wh, `time_s` in Unix seconds.

    `signature` is the meter's own over its reading (SigMeterReading), opaque here.
    """

    meter_id: str
    reading_wh: int | None = None
    signature: bytes | None = None
    status: int | None = None
    time_s: int | None = None


@dataclass(frozen=True, slots=True)
class MeteringReceipt:
    """MeteringReceiptReq (8.4.3.13.1): `id` is what the signature refers to."""

    id: str
    session_id: bytes
    schedule_tuple_id: int | None
    meter: MeterInfo


@dataclass(frozen=True, slots=True)
class SignedInfo:
    """SignedInfo with its one reference (7.9.2.4.2)."""

    canonicalization: str
    signature_method: str
    uri: str
    transforms: tuple[str, ...]
    digest_method: str
    digest: bytes


def read_receipt(data: bytes) -> MeteringReceipt:
    """Return the request in a fragment; `InputError` where it is none."""
    reader = BitReader.begin(data)
    reader.expect(8, 121)
    reader.expect(2, 0)  # attribute Id; without it nothing could refer to the message
    identifier = reader.text(MAX_TEXT)
    reader.expect(1, 0)
    session_id = _simple(reader, lambda: reader.octets(8))
    tuple_id = None
    if _choice(reader, 2, 2) == 0:
        tuple_id = _simple(reader, lambda: reader.bits(8)) + 1
        if tuple_id > 0xFF:
            raise malformed("a schedule tuple beyond 255")
        reader.expect(1, 0)
    meter = _meter_info(reader)
    reader.expect(1, 0)
    reader.expect(8, 244)
    reader.end()
    return MeteringReceipt(identifier, session_id, tuple_id, meter)


def _meter_info(reader: BitReader) -> MeterInfo:
    reader.expect(1, 0)
    meter_id = _simple(reader, lambda: reader.text(32))
    optional: tuple[tuple[str, Callable[[], object]], ...] = (
        ("reading_wh", lambda: reader.unsigned(_UINT64)),
        ("signature", lambda: reader.octets(64)),
        ("status", lambda: reader.integer(_INT16)),
        ("time_s", lambda: reader.integer(_INT64)),
    )
    found: dict[str, object] = {}
    state = 0
    while state < len(optional):
        events = len(optional) - state + 1
        chosen = _choice(reader, events.bit_length(), events)  # one code more than events: the way out of the schema
        if chosen == events - 1:
            return MeterInfo(meter_id, **found)  # type: ignore[arg-type]
        name, read = optional[state + chosen]
        found[name] = _simple(reader, read)
        state += chosen + 1
    reader.expect(1, 0)
    return MeterInfo(meter_id, **found)  # type: ignore[arg-type]


def read_signed_info(data: bytes) -> SignedInfo:
    """Return what is signed, with exactly one reference; `InputError` where it is anything else."""
    reader = BitReader.begin(data)
    reader.expect(6, 32)
    if _choice(reader, 2, 2) == 0:
        reader.text(MAX_TEXT)
        reader.expect(1, 0)
    canonicalization = _method(reader, 2, 1)
    reader.expect(1, 0)
    signature_method = _method(reader, 3, 2)
    reader.expect(1, 0)
    uri, transforms, digest_method, digest = _reference(reader)
    reader.expect(2, 1)
    reader.expect(6, 46)
    reader.end()
    return SignedInfo(canonicalization, signature_method, uri, transforms, digest_method, digest)


def _method(reader: BitReader, width: int, end: int) -> str:
    """Read an element that has an Algorithm and, here, no content."""
    reader.expect(1, 0)
    algorithm = reader.text(MAX_URI)
    reader.expect(width, end)
    return algorithm


def _reference(reader: BitReader) -> tuple[str, tuple[str, ...], str, bytes]:
    """Read Reference: attributes Id, Type and URI, the transforms, the digest with its method."""
    texts = dict.fromkeys(("Id", "Type", "URI"), "")
    state, names = 0, (*texts, "Transforms", "DigestMethod")
    transforms: tuple[str, ...] = ()
    while state < len(names):
        left = len(names) - state
        width = left.bit_length()
        name = names[state + _choice(reader, width, left)]
        if name == "DigestMethod":
            break
        if name == "Transforms":
            transforms = _transforms(reader)
        else:
            texts[name] = reader.text(MAX_URI)
        state = names.index(name) + 1
    digest_method = _method(reader, 2, 1)
    reader.expect(1, 0)
    digest = _simple(reader, lambda: reader.octets(64))
    reader.expect(1, 0)
    return texts["URI"], transforms, digest_method, digest


def _transforms(reader: BitReader) -> tuple[str, ...]:
    reader.expect(1, 0)
    found = [_method(reader, 3, 2)]
    while _choice(reader, 2, 2) == 0:
        if len(found) == 4:
            raise malformed("more than four transforms")
        found.append(_method(reader, 3, 2))
    return tuple(found)


def _choice(reader: BitReader, width: int, events: int) -> int:
    code = reader.bits(width)
    if code >= events:
        raise malformed("an event that does not belong here")
    return code


def _simple(reader: BitReader, read: Callable[[], T]) -> T:
    """Read the content of a simple element, between its two event codes."""
    reader.expect(1, 0)
    value = read()
    reader.expect(1, 0)
    return value
