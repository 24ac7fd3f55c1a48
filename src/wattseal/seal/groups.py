"""Groups: content committed to in the payload, boxed for its readers (docs/spec/record.md, "Groups").

One random secret per (subject, group), S_gid, is wrapped for the readers when a transaction starts and ends; every
record of the transaction derives its own box secret from it, so that a record can be opened alone by handing out its
own secret, and a box opens nowhere but at its place.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from msgspec import Struct

from wattseal.crypto.aead import open_once, seal_once
from wattseal.crypto.hashes import hkdf, hkdf_expand, sha256
from wattseal.crypto.hpke import SealPrivateKey, SealPublicKey
from wattseal.seal import dcbor
from wattseal.seal.dcbor import CborError
from wattseal.seal.item import Commitment, Item, Payload

WRAPS = 4
"""A box carries exactly four wraps: real readers and dummies, shuffled."""
PLAIN = 0
MAX_CONTENT_BYTES = 48 * 1024
_CONTEXT = b"\x86" + dcbor.encode("wattseal-ctx-v1")
"""Start of the list of six that `context` is, and of the list of four that `commit` hashes."""
_COMMIT = b"\x84" + dcbor.encode("wattseal-commit-v1")


class Content(Struct, frozen=True, gc=False):
    """What a group holds: `readers` (party ids, hidden from outsiders) and `fields` by number."""

    readers: tuple[str, ...]
    fields: Mapping[int, Any]

    def encode(self) -> bytes:
        """Return the deterministic bytes that are committed to."""
        return encode_content(list(self.readers), self.fields)

    @staticmethod
    def decode(data: bytes) -> "Content":
        """Parse content bytes; `CborError` names the field."""
        value = dcbor.decode(data, MAX_CONTENT_BYTES)
        if type(value) is dict and value.keys() == {1, 2}:
            readers, fields = value[1], value[2]
            if type(readers) is list and type(fields) is dict and set(map(type, readers)) <= {str}:
                return Content(tuple(readers), fields)
        raise CborError("content is {1: [readers], 2: fields}", subject="content")


def encode_content(readers: list[str], fields: Mapping[int, Any]) -> bytes:
    """Return the bytes of `{1: readers, 2: fields}`."""
    return b"\xa2\x01" + dcbor.encode(readers) + b"\x02" + dcbor.encode(dict(fields))


class Opening(Struct, frozen=True, gc=False):
    """All a stranger needs to read one group of one record: bundle field 2."""

    payload_hash: bytes
    gid: int
    secret: bytes
    content: bytes

    def to_value(self) -> list[Any]:
        """Return the bundle's spelling."""
        return [self.payload_hash, self.gid, self.secret, self.content]


def context(origin: str, stream: int, epoch: int, seq: int, gid: int) -> bytes:
    """Return the bytes that bind a box to its place."""
    return context_start(origin, stream, epoch, seq) + dcbor.encode(int(gid))


def context_start(origin: str, stream: int, epoch: int, seq: int) -> bytes:
    """Return what the contexts of one record's groups have in common; the encoded group number completes each."""
    return _epoch_start(origin, stream, epoch) + dcbor.encode(seq)


@lru_cache(maxsize=4096)
def _epoch_start(origin: str, stream: int, epoch: int) -> bytes:
    return _CONTEXT + b"".join(map(dcbor.encode, (origin, stream, epoch)))


def box_secret(group_secret: bytes, place: bytes) -> bytes:
    """Derive the secret of the box at one place (`context`) from S_gid."""
    return hkdf_expand(group_secret, place, 32)


def commit(place: bytes, secret: bytes, content: bytes) -> bytes:
    """Return the commitment: SHA-256 over place, box secret and content."""
    return sha256(_COMMIT + b"".join(map(dcbor.encode, (place, secret, content))))


def wrap_info(origin: str, stream: int, subject: bytes, gid: int) -> bytes:
    """Return the HPKE info of a wrap."""
    return dcbor.encode(["wattseal-wrap-v1", origin, stream, subject, int(gid)])


def pad(content: bytes) -> bytes:
    """Pad with 0x80 and zeros to 64 x 2^n up to 4096, then to multiples of 4096."""
    size = 64
    while size < len(content) + 1:
        size = size * 2 if size < 4096 else size + 4096
    return content + b"\x80" + bytes(size - len(content) - 1)


def unpad(padded: bytes) -> bytes | None:
    """Undo `pad`; None where the padding is not the one `pad` makes."""
    content = padded.rstrip(b"\0")
    if not content.endswith(b"\x80") or pad(content[:-1]) != padded:
        return None
    return content[:-1]


def wrap(
    group_secret: bytes,
    readers: Sequence[SealPublicKey],
    dummies: Sequence[SealPublicKey],
    info: bytes,
    shuffle: Sequence[int],
) -> list[bytes]:
    """Seal S_gid to at most four readers, fill up with `dummies` (throw-away keys), order by `shuffle`.

    `shuffle` is a permutation of 0..3 drawn by the caller; ValueError otherwise.
    """
    keys = [*readers, *dummies][:WRAPS]
    if len(readers) > WRAPS or len(keys) != WRAPS or sorted(shuffle) != list(range(WRAPS)):
        msg = "a box has one to four readers, filled up to four with dummies, and a permutation of them"
        raise ValueError(msg)
    wraps = [key.seal(group_secret, info) for key in keys]
    return [wraps[i] for i in shuffle]


def make_plain(place: bytes, group_secret: bytes, content: bytes) -> tuple[Commitment, list[Any]]:
    """Return commitment and box of content that everybody who holds the item may read."""
    secret = box_secret(group_secret, place)
    return Commitment(commit(place, secret, content), None), [PLAIN, secret, content]


def make_sealed(
    place: bytes, group_secret: bytes, content: bytes, wraps: list[bytes] | None
) -> tuple[Commitment, bytes | list[Any]]:
    """Return commitment and box of content sealed under S_gid, with its wraps where they are handed out here."""
    secret = box_secret(group_secret, place)
    commitment = commit(place, secret, content)
    ciphertext = seal_once(hkdf(secret, commitment, b"wattseal-box-v1", 16), pad(content), commitment)
    box: bytes | list[Any] = ciphertext if wraps is None else [ciphertext, wraps]
    return Commitment(commitment, sha256(dcbor.encode(box))), box


class BoxState:
    """Why a box could not be read, as codes: what the reader should conclude differs."""

    MISSING = "box_missing"
    ALTERED = "box_altered_in_transit"
    DISHONEST = "box_sealed_dishonestly"
    NOT_FOR_US = "not_a_reader"


def check_box(item: Item, gid: int) -> str | None:
    """Return None when the box is the one the signer signed for, else a `BoxState` code."""
    box = item.boxes.get(gid)
    if box is None:
        return BoxState.MISSING
    expected = item.payload.groups[gid].box_hash
    plain = isinstance(box, list) and box[0] == PLAIN
    if plain != (expected is None) or (expected is not None and sha256(dcbor.encode(box)) != expected):
        return BoxState.ALTERED
    return None


def unwrap(item: Item, gid: int, key: SealPrivateKey) -> bytes | None:
    """Return S_gid if one of the wraps in this item's box is for `key`."""
    box = item.boxes.get(gid)
    payload = item.payload
    if not isinstance(box, list) or box[0] == PLAIN or payload.subject is None:
        return None
    info = wrap_info(payload.origin, payload.stream, payload.subject, gid)
    for sealed in box[1]:
        secret = key.open(sealed, info)
        if secret is not None and len(secret) == 32:
            return secret
    return None


def open_box(item: Item, gid: int, group_secret: bytes | None) -> Opening | str:
    """Return the opening of a box (plain, or under S_gid), or a `BoxState` code; the commitment is recomputed."""
    trouble = check_box(item, gid)
    if trouble is not None:
        return trouble
    box = item.boxes[gid]
    place = context(*item.payload.place, gid)
    expected = item.payload.groups[gid].commitment
    if isinstance(box, list) and box[0] == PLAIN:
        secret, content = box[1], box[2]
        dishonest = BoxState.ALTERED
    else:
        if group_secret is None:
            return BoxState.NOT_FOR_US
        ciphertext = box[0] if isinstance(box, list) else box
        secret = box_secret(group_secret, place)
        padded = open_once(hkdf(secret, expected, b"wattseal-box-v1", 16), ciphertext, expected)
        opened = None if padded is None else unpad(padded)
        if opened is None:
            return BoxState.DISHONEST
        content, dishonest = opened, BoxState.DISHONEST
    if commit(place, secret, content) != expected:
        return dishonest
    return Opening(item.hash, gid, secret, content)


def check_opening(payload: Payload, opening: Opening) -> bool:
    """Return whether an opening shows the content that `payload` committed to."""
    commitment = payload.groups.get(opening.gid)
    if commitment is None or len(opening.secret) != 32:
        return False
    return commit(context(*payload.place, opening.gid), opening.secret, opening.content) == commitment.commitment
