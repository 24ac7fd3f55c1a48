"""Writing records whose groups are all plain: the same bytes as `seal.writer` makes, straight from the values.

A CSMS writes one such record for each message of a direct station; most are unsigned links. Nothing is built here that
would only be encoded again: each part is put down once, in the one deterministic order (docs/spec/record.md). What
passes through here with every message is a msgspec struct, made in a tenth of the time of a frozen dataclass.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final

from msgspec import Struct

from wattseal.base.errors import InputError
from wattseal.crypto.keys import SigningKey
from wattseal.seal import dcbor
from wattseal.seal.chain import ChainHead
from wattseal.seal.item import LEAF_DOMAIN, MAX_REFS, VERSION, ClockQuality, Kind, protected_header, record_aad

RandomBytes = Callable[[int], bytes]
_CTX: Final = b"\x86" + dcbor.encode("wattseal-ctx-v1")
_COMMIT: Final = b"\x84" + dcbor.encode("wattseal-commit-v1")
_LEAF: Final = b"\x84" + dcbor.encode(LEAF_DOMAIN)
_START: Final = b"\x01" + dcbor.encode(VERSION) + b"\x02"
_PREV: Final = b"\x07\x58\x20"
_SUBJECT: Final = b"\x09\x50"
_NO_READERS: Final = b"\xa2\x01\x80\x02"
"""The start of a plain group's content: no reader is named, its fields follow."""
_COMMITTED: Final = b"\x82\x58\x20"
_BOX: Final = b"\x83\x00\x58\x20"
_BYTE: Final = tuple(bytes((n,)) for n in range(256))
_encode: Final = dcbor.encode


def raw_bytes(frame: bytes) -> bytes:
    """Return the encoded fields of group RAW with nothing but a frame."""
    return b"\xa1\x01" + _bytes(frame)


def _bytes(data: bytes) -> bytes:
    return _bytes_head(len(data)) + data


def _bytes_head(size: int) -> bytes:
    """Return what stands before a byte string of `size` bytes."""
    if size < _USUAL:
        return _HEADS[size]
    return b"\x59" + size.to_bytes(2) if size < 65536 else b"\x5a" + size.to_bytes(4)


def _usual_head(size: int) -> bytes:
    if size < 24:
        return _BYTE[0x40 | size]
    return b"\x58" + _BYTE[size] if size < 256 else b"\x59" + size.to_bytes(2)


_USUAL: Final = 1024
"""Sizes that nearly every group and payload has; what stands before them is made once."""
_HEADS: Final = tuple(map(_usual_head, range(_USUAL)))


def _uint(value: int) -> bytes:
    if value < 24:
        return _BYTE[value]
    if value < 256:
        return b"\x18" + _BYTE[value]
    if value < 65536:
        return b"\x19" + value.to_bytes(2)
    return b"\x1a" + value.to_bytes(4) if value < 1 << 32 else b"\x1b" + value.to_bytes(8)


class PlainDraft(Struct, frozen=True, gc=False):
    """What a record is to say: `groups` are (number, encoded fields), ascending; `public` is encoded, or nothing."""

    kind: Kind
    ms: int
    groups: Sequence[tuple[int, bytes]] = ()
    refs: tuple[bytes, ...] = ()
    public: bytes = b""


class Written(Struct, frozen=True, gc=False):
    """A record in its one encoding, and what a journal needs to know of it; `leaf` only where it is signed."""

    item: bytes
    hash: bytes
    origin: str
    stream: int
    epoch: int
    seq: int
    kind: Kind
    ms: int
    subject: bytes | None
    refs: tuple[bytes, ...]
    leaf: bytes | None


class PlainWriter:
    """One signer's chain (origin, stream), for records without sealed groups."""

    __slots__ = ("_begin", "_context", "_key", "_protected", "_random", "_signature1", "origin", "stream")

    def __init__(self, origin: str, stream: int, log_origin: str, key: SigningKey, random: RandomBytes) -> None:
        self.origin = origin
        self.stream = stream
        self._key = key
        self._random = random
        self._begin = b"\x03" + _encode(origin) + b"\x04" + _uint(stream) + b"\x05"
        self._context = _CTX + _encode(origin) + _uint(stream)
        self._protected = _bytes(protected_header(key.public))
        self._signature1 = b"\x84" + _encode("Signature1") + self._protected + _bytes(record_aad(log_origin))

    def append(self, head: ChainHead, draft: PlainDraft, subject: bytes | None) -> tuple[Written, ChainHead]:
        """Return the next record of the chain and its new head; the caller makes both durable before showing either.

        A seq of 0 demands a boot record, and nobody reads more than 16 refs (`InputError`).
        """
        epoch, seq, kind, ms = head.epoch, head.seq + 1, draft.kind, draft.ms
        if seq == 0 and kind is not Kind.BOOT:
            raise InputError("a chain begins with a boot record", subject=self.origin)
        at, number = _uint(epoch), _uint(seq)
        before, after, boxes = b"", b"", b"\xa0"
        entries = 0xA0 + 8
        if subject is not None:
            entries += 1
            before = _SUBJECT + subject
        if draft.groups:
            entries += 1
            after, boxes = self._groups(self._context + at + number, draft.groups)
        if draft.refs:
            if len(draft.refs) > MAX_REFS:
                raise InputError(f"a record refers to at most {MAX_REFS} others", subject="refs")
            entries += 1
            after += b"\x0b" + _encode(list(draft.refs))
        if draft.public:
            entries += 1
            after += b"\x0c" + draft.public
        payload = b"".join(
            (
                _BYTE[entries],
                _BEGINNINGS[kind],
                self._begin,
                at,
                b"\x06",
                number,
                _PREV,
                head.prev,
                b"\x08\x82",
                _uint(ms),
                _SYNCHRONISED,
                before,
                after,
            )
        )
        digest = sha256(payload).digest()
        if head.next_is_signed(kind, ms):
            first, leaf = self._signed(payload)
            moved = ChainHead(epoch, seq, digest, 0, None)
        else:
            first, leaf = _bytes(payload), None
            oldest = ms if head.oldest_link_ms is None else head.oldest_link_ms
            moved = ChainHead(epoch, seq, digest, head.links + 1, oldest)
        item = b"".join((b"\x82", first, boxes))
        return Written(item, digest, self.origin, self.stream, epoch, seq, kind, ms, subject, draft.refs, leaf), moved

    def _groups(self, start: bytes, groups: Sequence[tuple[int, bytes]]) -> tuple[bytes, bytes]:
        """Return the payload's commitments and the item's map of boxes; `start` is of each group's context."""
        count = _BYTE[0xA0 + len(groups)]
        secrets = self._random(32 * len(groups))
        before = _COMMIT + _bytes_head(len(start) + 1) + start
        committed, boxes = [b"\x0a", count], [count]
        end = 0
        for gid, fields in groups:
            number = _BYTE[gid]
            begin, end = end, end + 32
            secret = secrets[begin:end]
            head = _bytes_head(len(fields) + len(_NO_READERS))
            hashed = sha256(b"".join((before, number, b"\x58\x20", secret, head, _NO_READERS, fields)))
            committed += (number, _COMMITTED, hashed.digest(), b"\xf6")
            boxes += (number, _BOX, secret, head, _NO_READERS, fields)
        return b"".join(committed), b"".join(boxes)

    def _signed(self, payload: bytes) -> tuple[bytes, bytes]:
        """Return the COSE_Sign1 and the log's entry of a payload."""
        body = _bytes(payload)
        signature = b"\x58\x40" + self._key.sign(self._signature1 + body)
        sign1 = b"\xd2\x84" + self._protected + b"\xa0" + body + signature
        return sign1, sha256(_LEAF + self._protected + body + signature).digest()


_SYNCHRONISED: Final = _uint(ClockQuality.SYNCHRONISED)
_BEGINNINGS: Final = {kind: _START + _uint(kind) for kind in Kind}
