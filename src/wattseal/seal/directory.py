"""The sealed directory: which tokens an edge may let charge while nobody can be asked (docs/spec/directory.md).

An eMSP tells one edge the HMACs of its customers' tokens under a key sealed to that edge. The CPO that forwards the
file learns neither tokens nor how many there are, and cannot try tokens out: it lacks the HMAC key.
"""

import hmac
from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from wattseal.base.errors import LimitError
from wattseal.crypto.hpke import SealPrivateKey, SealPublicKey
from wattseal.crypto.keys import PublicKey, SigningKey
from wattseal.model.token import IdToken
from wattseal.seal import dcbor
from wattseal.seal.dcbor import CborError
from wattseal.seal.item import parse_sign1
from wattseal.seal.signed import Domain, Statement, sign

TAG_BYTES = 16
KEY_BYTES = 32
SMALLEST = 64
"""Directories are filled up with random tags to a power of two, this one at least."""
MAX_TAGS = 2**18
MAX_DIRECTORY_BYTES = MAX_TAGS * TAG_BYTES + 4096


@dataclass(frozen=True, slots=True)
class DirectoryTerms:
    """Who lets whose tokens charge where, until when (Unix ms), and for how many Wh without asking."""

    party: str
    origin: str
    issued_ms: int
    expires_ms: int
    cap_wh: int


@dataclass(frozen=True, slots=True)
class Directory:
    """An opened directory."""

    terms: DirectoryTerms
    _key: bytes = field(repr=False)
    _tags: bytes = field(repr=False)

    def has(self, token: IdToken) -> bool:
        """Return whether the token is one of the eMSP's customers that may charge unasked."""
        return self._has(token_tag(self._key, token))

    def has_card(self, token: IdToken, spki: bytes) -> bool:
        """Return whether the token is a card's with this key, which may charge once it has proved to have it."""
        return self._has(card_tag(self._key, token, spki))

    def _has(self, tag: bytes) -> bool:
        index = bisect_left(range(len(self._tags) // TAG_BYTES), tag, key=self._tag)
        return index * TAG_BYTES < len(self._tags) and self._tag(index) == tag

    def usable_at(self, now_ms: int) -> bool:
        """Return whether it is in force."""
        return self.terms.issued_ms <= now_ms < self.terms.expires_ms

    def _tag(self, index: int) -> bytes:
        return self._tags[index * TAG_BYTES : (index + 1) * TAG_BYTES]


def token_tag(key: bytes, token: IdToken) -> bytes:
    """Return the first 16 bytes of HMAC-SHA256 over the token's canonical form.

    The token's type is left out: OCPP 1.6 does not state it.
    """
    return hmac.digest(key, token.key().encode(), "sha256")[:TAG_BYTES]


def card_tag(key: bytes, token: IdToken, spki: bytes) -> bytes:
    """Return the tag of a card that proves itself, in place of its token's: the bare number is not listed then.

    No token's tag is of the same bytes: its text does not begin like a CBOR array.
    """
    named = dcbor.encode(["wattseal-directory-card-v1", token.key(), spki])
    return hmac.digest(key, named, "sha256")[:TAG_BYTES]


def _wrap_info(terms: DirectoryTerms) -> bytes:
    return dcbor.encode(["wattseal-directory-wrap-v1", terms.party, terms.origin, terms.issued_ms])


def issue_directory(
    terms: DirectoryTerms,
    tokens: Iterable[IdToken],
    edge: SealPublicKey,
    key: SigningKey,
    random: Callable[[int], bytes],
    *,
    cards: Iterable[tuple[IdToken, bytes]] = (),
) -> Statement:
    """Sign the directory of `tokens` for one edge; more than 2^18 tokens are a `LimitError`.

    `cards` are those that prove themselves, with their public keys (SPKI).
    """
    secret = random(KEY_BYTES)
    tags = {token_tag(secret, token) for token in tokens} | {card_tag(secret, *card) for card in cards}
    if len(tags) > MAX_TAGS:
        raise LimitError(f"a directory has at most {MAX_TAGS} tokens", subject=terms.origin)
    size = SMALLEST
    while size < len(tags):
        size *= 2
    while len(tags) < size:
        tags.add(random(TAG_BYTES))
    fields = {
        1: terms.party,
        2: terms.origin,
        3: terms.issued_ms,
        4: terms.expires_ms,
        5: terms.cap_wh,
        6: edge.seal(secret, _wrap_info(terms)),
        7: b"".join(sorted(tags)),
    }
    return sign(fields, key, Domain.DIRECTORY, terms.origin)


def open_directory(data: bytes, origin: str, issuer: PublicKey, edge: SealPrivateKey) -> Directory | None:
    """Return the directory if `issuer` signed it for the edge at `origin` and it opens; a wrong shape is `CborError`.

    The caller has the issuer's key from a root-signed registry entry, and checks `terms.party` against it.
    """
    statement = _parse(data)
    if not statement.verify(issuer, Domain.DIRECTORY, origin):
        return None
    f = statement.fields
    types = {1: str, 2: str, 3: int, 4: int, 5: int, 6: bytes, 7: bytes}
    if f.keys() != types.keys() or any(type(f[n]) is not t for n, t in types.items()) or len(f[7]) % TAG_BYTES:
        raise CborError("a directory has seven fields", subject="directory")
    terms = DirectoryTerms(f[1], f[2], f[3], f[4], f[5])
    secret = edge.open(f[6], _wrap_info(terms))
    if terms.origin != origin or secret is None or len(secret) != KEY_BYTES:
        return None
    return Directory(terms, secret, f[7])


def _parse(data: bytes) -> Statement:
    signature, payload = parse_sign1(dcbor.untag(dcbor.decode(data, MAX_DIRECTORY_BYTES)))
    fields = dcbor.decode(payload, MAX_DIRECTORY_BYTES)
    if type(fields) is not dict:
        raise CborError("a directory's payload is a map", subject="payload")
    return Statement(signature, payload, fields)
