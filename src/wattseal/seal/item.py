"""The item: one signed record or unsigned link of a chain, with the boxes of its content (docs/spec/record.md).

An item's *place* is (origin, stream, epoch, seq); its *payload hash* is what the next item's `prev`, refs and
openings name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from wattseal.base.errors import LimitError
from wattseal.crypto.hashes import sha256
from wattseal.crypto.keys import Algorithm, PublicKey, SigningKey
from wattseal.seal import dcbor
from wattseal.seal.dcbor import CborError

VERSION = 1
ZERO_HASH = bytes(32)
MAX_STREAM = 2**16 - 1
MAX_COUNTER = 2**53 - 1
MAX_REFS = 16
LEAF_DOMAIN = "wattseal-leaf-v1"
RECORD_DOMAIN = "wattseal-record-v1"
_LEAF = b"\x84" + dcbor.encode(LEAF_DOMAIN)
_SIGNATURE1 = b"\x84" + dcbor.encode("Signature1")
"""How these lists of four start."""


class Kind(IntEnum):
    """What a record says; every kind but READING is always signed."""

    BOOT = 1
    HEARTBEAT = 2
    REQUEST = 3
    DECISION = 4
    STARTED = 5
    READING = 6
    ENDED = 7
    TARIFF = 8
    KEY_CHANGE = 9
    SETTLEMENT = 10
    COMMAND = 11
    CAPACITY_LIMIT = 12
    FIRMWARE = 13
    ACCOUNT = 14
    POSTING = 15
    RULING = 16
    INVOICE = 17
    DISPUTE = 18
    PAYMENT = 19
    PERSON = 20
    ERASURE = 21
    ALARM = 22
    WORKS = 23


class Group(IntEnum):
    """Content groups, each with its own readers."""

    IDENTITY = 1
    METER = 2
    LOAD = 3
    OPS = 4
    RAW = 5


def group_name(gid: int) -> str:
    """Return a group as people read it: `meter group`."""
    return f"{Group(gid).name.lower()} group" if gid in set(Group) else f"group {gid}"


class ClockQuality(IntEnum):
    """Clock state as OCMF tells it: unknown, informative, synchronised, relative."""

    UNKNOWN = 0
    INFORMATIVE = 1
    SYNCHRONISED = 2
    RELATIVE = 3


_CLOCKS = tuple(ClockQuality)


class Commitment(Struct, frozen=True, gc=False):
    """What a payload says of one group: commitment to its content, hash of its box (None where the box is plain)."""

    commitment: bytes
    box_hash: bytes | None


class Payload(Struct, frozen=True, gc=False):
    """The signed part of a record. `ms` is Unix time in milliseconds; `public` holds keys 0..63 known to the kind."""

    kind: int
    origin: str
    stream: int
    epoch: int
    seq: int
    prev: bytes
    ms: int
    clock: ClockQuality
    subject: bytes | None = None
    groups: Mapping[int, Commitment] = msgspec.field(default_factory=dict)
    refs: tuple[bytes, ...] = ()
    public: Mapping[int, Any] = msgspec.field(default_factory=dict)

    @property
    def place(self) -> tuple[str, int, int, int]:
        """(origin, stream, epoch, seq)."""
        return (self.origin, self.stream, self.epoch, self.seq)

    def encode(self) -> bytes:
        """Return the deterministic bytes that are hashed and signed: a map written key by key, in their order."""
        encode = dcbor.encode
        parts = [
            bytes([1, VERSION, 2]),
            encode(int(self.kind)),
            b"\x03",
            encode(self.origin),
            b"\x04",
            encode(self.stream),
        ]
        parts += [b"\x05", encode(self.epoch), b"\x06", encode(self.seq), b"\x07", encode(self.prev)]
        parts += [b"\x08\x82", encode(self.ms), encode(int(self.clock))]
        size = 8
        if self.subject is not None:
            parts += [b"\x09", encode(self.subject)]
            size += 1
        if self.groups:
            parts += [b"\x0a", encode({int(g): [c.commitment, c.box_hash] for g, c in self.groups.items()})]
            size += 1
        if self.refs:
            parts += [b"\x0b", encode(list(self.refs))]
            size += 1
        if self.public:
            parts += [b"\x0c", encode(dict(self.public))]
            size += 1
        return bytes([0xA0 | size]) + b"".join(parts)


@dataclass(frozen=True, slots=True)
class Signature:
    """Protected header and signature bytes of a signed record."""

    protected: bytes
    signature: bytes
    algorithm: Algorithm
    kid: bytes


@dataclass(frozen=True, slots=True)
class Item:
    """A parsed item. `payload_bytes` are exactly as received; `boxes` hold decoded box values by group."""

    payload: Payload
    payload_bytes: bytes
    signature: Signature | None
    boxes: Mapping[int, Any]
    hash: bytes = field(init=False, repr=False, compare=False)
    """Payload hash: SHA-256 of the payload bytes."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "hash", sha256(self.payload_bytes))

    def encode(self) -> bytes:
        """Return the item's one encoding."""
        head: Any = self.payload_bytes
        if self.signature is not None:
            head = dcbor.sign1([self.signature.protected, {}, self.payload_bytes, self.signature.signature])
        return dcbor.encode([head, dict(self.boxes)])

    def without_boxes(self) -> "Item":
        """Return the item with its content left out: the proof of it stays."""
        return Item(self.payload, self.payload_bytes, self.signature, {})

    def leaf_entry(self) -> bytes | None:
        """Return the transparency log's 32-byte entry, None for a link (docs/spec/log.md)."""
        if self.signature is None:
            return None
        parts = (self.signature.protected, self.payload_bytes, self.signature.signature)
        return sha256(_LEAF + b"".join(map(dcbor.encode, parts)))

    def verify(self, key: PublicKey, log_origin: str) -> bool:
        """Return whether the signature is `key`'s over this payload for the log `log_origin`."""
        if self.signature is None or self.signature.kid != key.kid or self.signature.algorithm != key.algorithm:
            return False
        message = to_be_signed(self.signature.protected, record_aad(log_origin), self.payload_bytes)
        if self.payload.kind == Kind.TARIFF:
            return verify_once(key, message, self.signature.signature)
        return key.verify(message, self.signature.signature)


@lru_cache(maxsize=4096)
def verify_once(key: PublicKey, message: bytes, signature: bytes) -> bool:
    """Verify what is met again in bundle after bundle (tariffs, registry entries) and remember the answer."""
    return key.verify(message, signature)


@lru_cache(maxsize=256)
def record_aad(log_origin: str) -> bytes:
    """Return the external_aad that binds a record to the log it is meant for."""
    return dcbor.encode([RECORD_DOMAIN, log_origin])


def to_be_signed(protected: bytes, external_aad: bytes, payload: bytes) -> bytes:
    """Return the Sig_structure of COSE_Sign1 (RFC 9052, 4.4)."""
    return _SIGNATURE1 + b"".join(map(dcbor.encode, (protected, external_aad, payload)))


def protected_header(key: PublicKey) -> bytes:
    """Return the protected header `{1: alg, 4: kid}` of a key."""
    return dcbor.encode({1: int(key.algorithm), 4: bytes(key.kid)})


def sign_payload(payload: Payload, key: SigningKey, log_origin: str, boxes: Mapping[int, Any]) -> Item:
    """Make a signed record."""
    payload_bytes = payload.encode()
    protected = protected_header(key.public)
    signature = key.sign(to_be_signed(protected, record_aad(log_origin), payload_bytes))
    head = Signature(protected, signature, key.public.algorithm, key.public.kid)
    return Item(payload, payload_bytes, head, boxes)


def link_payload(payload: Payload, boxes: Mapping[int, Any]) -> Item:
    """Make an unsigned link; provisional until a signed record of the chain covers it."""
    return Item(payload, payload.encode(), None, boxes)


def parse_item(data: bytes) -> Item:
    """Parse and check the shape of one encoded item; raises `CborError` or `LimitError` with the field in `subject`."""
    return item_from(dcbor.decode(data))


def item_from(value: Any) -> Item:
    """Check the shape of a decoded item."""
    if type(value) is not list or len(value) != 2 or type(value[1]) is not dict:
        raise CborError("an item is [signed record or link, boxes]", subject="item")
    head, boxes = value
    if type(head) is bytes:
        signature, payload_bytes = None, head
    else:
        signature, payload_bytes = parse_sign1(dcbor.untag(head))
    payload = parse_payload(payload_bytes)
    for gid, box in boxes.items():
        if gid not in payload.groups:
            raise CborError("a box without a commitment in the payload", subject=f"box {gid}")
        _check_box(gid, box)
    return Item(payload, payload_bytes, signature, boxes)


def parse_sign1(parts: list[Any]) -> tuple[Signature, bytes]:
    """Check the four parts of a COSE_Sign1 with header {1: alg, 4: kid}; return (signature, payload bytes)."""
    if len(parts) != 4 or [type(p) for p in parts] != [bytes, dict, bytes, bytes] or parts[1]:
        raise CborError("COSE_Sign1 is [protected, {}, payload, signature]", subject="sign1")
    protected, _, payload_bytes, signature = parts
    algorithm, kid = _parse_header(protected)
    if len(signature) != 64:
        raise CborError("a signature is 64 bytes", subject="signature")
    return Signature(protected, signature, algorithm, kid), payload_bytes


_ALGORITHMS = frozenset(Algorithm)


@lru_cache(maxsize=4096)
def _parse_header(protected: bytes) -> tuple[Algorithm, bytes]:
    """Return algorithm and key id; remembered, since a key's records all bear the same header."""
    header = dcbor.decode(protected, 64)
    if type(header) is not dict or set(header) != {1, 4} or type(header[1]) is not int or header[1] not in _ALGORITHMS:
        raise CborError("protected header is {1: -9 or -19, 4: kid}", subject="protected")
    if type(header[4]) is not bytes or len(header[4]) != 8:
        raise CborError("kid is 8 bytes", subject="kid")
    return Algorithm(header[1]), header[4]


def _uint(value: Any, limit: int, field_name: str) -> int:
    if type(value) is not int or not 0 <= value <= limit:
        raise CborError(f"{field_name} is an integer from 0 to {limit}", subject=field_name)
    return value


def _hash(value: Any, field_name: str) -> bytes:
    if type(value) is not bytes or len(value) != 32:
        raise CborError(f"{field_name} is 32 bytes", subject=field_name)
    return value


_REQUIRED = frozenset(range(1, 9))
_KNOWN = frozenset(range(1, 13))


def parse_payload(data: bytes) -> Payload:
    """Parse payload bytes; unknown keys below 64 are refused, those from 64 ignored."""
    value = dcbor.decode(data)
    if type(value) is not dict or not value.keys() >= _REQUIRED:
        raise CborError("a payload is a map with keys 1 to 8", subject="payload")
    for key in sorted(value.keys() - _KNOWN):
        if key < 64:
            raise CborError(f"unknown payload key {key}", subject=f"payload {key}")
    if value[1] != VERSION or type(value[1]) is not int:
        raise CborError("only suite 1 is known", subject="version")
    origin, subject = value[3], value.get(9)
    if type(origin) is not str or not is_origin(origin):
        raise CborError("origin is PARTY/STATION of 3 to 64 printable ASCII characters", subject="origin")
    if 9 in value and (type(subject) is not bytes or len(subject) != 16):
        raise CborError("subject is 16 bytes", subject="subject")
    clock = value[8]
    if type(clock) is not list or len(clock) != 2:
        raise CborError("time is [ms, clock]", subject="time")
    return Payload(
        kind=_uint(value[2], 63, "kind"),
        origin=origin,
        stream=_uint(value[4], MAX_STREAM, "stream"),
        epoch=_uint(value[5], MAX_COUNTER, "epoch"),
        seq=_uint(value[6], MAX_COUNTER, "seq"),
        prev=_hash(value[7], "prev"),
        ms=_uint(clock[0], MAX_COUNTER, "ms"),
        clock=_CLOCKS[_uint(clock[1], 3, "clock")],
        subject=subject,
        groups=_groups(value[10]) if 10 in value else {},
        refs=_refs(value[11]) if 11 in value else (),
        public=_public(value[12]) if 12 in value else {},
    )


@lru_cache(maxsize=4096)
def is_origin(text: str) -> bool:
    """Return whether `text` is a well-formed origin: PARTY/STATION, 3 to 64 printable ASCII characters.

    What else is printable depends on who asks which version of Unicode: two verifiers would not say the same.
    """
    party, slash, station = text.partition("/")
    return 3 <= len(text) <= 64 and bool(party and slash and station) and text.isascii() and text.isprintable()


def _groups(value: Any) -> dict[int, Commitment]:
    if type(value) is not dict or not value:
        raise CborError("groups are a non-empty map", subject="groups")
    groups = {}
    for gid, pair in value.items():
        if not 1 <= gid <= 5 or type(pair) is not list or len(pair) != 2:
            raise CborError("a group is 1 to 5: [commitment, box hash or null]", subject=f"group {gid}")
        box_hash = None if pair[1] is None else _hash(pair[1], "box_hash")
        groups[gid] = Commitment(_hash(pair[0], "commitment"), box_hash)
    return groups


def _refs(value: Any) -> tuple[bytes, ...]:
    if type(value) is not list or not value:
        raise CborError("refs are a non-empty list", subject="refs")
    if len(value) > MAX_REFS:
        raise LimitError(f"at most {MAX_REFS} refs", subject="refs")
    return tuple(_hash(ref, "refs") for ref in value)


def _public(value: Any) -> dict[int, Any]:
    if type(value) is not dict or not value:
        raise CborError("public fields are a non-empty map", subject="public")
    return value


def _check_box(gid: int, box: Any) -> None:
    match box:
        case bytes():
            return
        case [bytes(), [*wraps]] if len(wraps) == 4 and all(type(w) is bytes and len(w) == 80 for w in wraps):
            return
        case [int(zero), bytes(secret), bytes()] if type(zero) is int and zero == 0 and len(secret) == 32:
            return
    raise CborError("a box is ciphertext, [ciphertext, 4 wraps] or [0, secret, content]", subject=f"box {gid}")
