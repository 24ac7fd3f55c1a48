"""A card that proves itself: what its key signs, and whether a request's proof is this card's for this very request.

The challenge stands for one place on a station's chain, one transaction and one EVSE (docs/spec/card.md): a proof that
was overheard fits no other request, and a number that was copied has no proof.
"""

from dataclasses import dataclass

from wattseal.base.errors import InputError
from wattseal.crypto.hashes import sha256
from wattseal.crypto.keys import PublicKey
from wattseal.model.token import IdToken
from wattseal.seal import dcbor
from wattseal.seal.fields import Identity
from wattseal.seal.item import Item

DOMAIN = "wattseal-card-v1"
KIND = "card"
"""What IDENTITY calls a card's proof."""
NONCE_BYTES = 16
MAX_AGE_MS = 60_000
"""So long after a challenge was made the request with its proof may be written; the reader's side asks sooner."""

NOT_PROVED, STALE, OF_ANOTHER = "card_not_proved", "card_proof_stale", "card_proof_invalid"
"""Why a request is refused whose token is a card's with a key: no proof, an old one, one that is not this card's."""


@dataclass(frozen=True, slots=True)
class CardProof:
    """A card's answer: what its challenge has beyond the record it stands in, and 64 bytes of signature."""

    made_ms: int
    evse_id: int
    nonce: bytes
    signature: bytes

    def shown(self) -> tuple[str, bytes]:
        """Return it as group IDENTITY has it."""
        return KIND, dcbor.encode([self.made_ms, self.evse_id, self.nonce, self.signature])

    @property
    def reference(self) -> bytes:
        """Return what the decision calls it by: a hash that tells nothing of the card."""
        return sha256(dcbor.encode([DOMAIN, self.shown()[1]]))


def read_proof(identity: Identity) -> CardProof | None:
    """Return the card's proof in group IDENTITY, None where there is none that can be read."""
    if identity.shown is None or identity.shown[0] != KIND:
        return None
    try:
        match dcbor.decode(identity.shown[1]):
            case [int(made_ms), int(evse_id), bytes(nonce), bytes(signature)]:
                proof = CardProof(made_ms, evse_id, nonce, signature)
                return proof if type(made_ms) is type(evse_id) is int and made_ms >= 0 <= evse_id else None
    except InputError:
        return None
    return None


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a card is asked to sign for.

    `head` is the hash of the last record of the chain (origin, stream) that the request is to follow, `subject` the
    transaction's pseudonym, `evse_id` 0 where any of the station's will do, `made_ms` Unix time.
    """

    log_origin: str
    origin: str
    stream: int
    head: bytes
    subject: bytes
    evse_id: int
    nonce: bytes
    made_ms: int
    token: IdToken

    def proof(self, signature: bytes) -> CardProof:
        """Return the proof that a card's signature makes of it."""
        return CardProof(self.made_ms, self.evse_id, self.nonce, signature)

    def message(self, spki: bytes) -> bytes:
        """Return the 32 bytes that the card with this public key signs."""
        fields = [
            DOMAIN,
            self.log_origin,
            self.origin,
            self.stream,
            self.head,
            self.subject,
            self.evse_id,
            self.nonce,
            self.made_ms,
            self.token.key(),
            sha256(spki),
        ]
        return sha256(dcbor.encode(fields))

    def is_answered(self, spki: bytes, signature: bytes) -> bool:
        """Return whether the key signed this challenge; one that cannot be used signs nothing."""
        try:
            return PublicKey.from_spki(spki).verify(self.message(spki), signature)
        except InputError:
            return False


def check_proof(request: Item, identity: Identity, evse_id: int, log_origin: str, spki: bytes) -> str | None:
    """Return why a REQUEST does not prove that the card enrolled with `spki` was there, as a code; None: it was.

    `identity` is the request's own, `evse_id` the EVSE it is for, 0 where it is for any; the request's signature is for
    the caller to check.
    """
    payload, proof = request.payload, read_proof(identity)
    if proof is None:
        return NOT_PROVED
    if not 0 <= payload.ms - proof.made_ms <= MAX_AGE_MS:
        return STALE
    challenge = Challenge(
        log_origin,
        payload.origin,
        payload.stream,
        payload.prev,
        payload.subject or b"",
        evse_id,
        proof.nonce,
        proof.made_ms,
        IdToken(identity.id_token, identity.type),
    )
    return None if challenge.is_answered(spki, proof.signature) else OF_ANOTHER
