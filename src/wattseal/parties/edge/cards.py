"""A card that proves itself at an edge: the challenge for the next record of the station's chain, and its answer."""

from dataclasses import dataclass

from wattseal.base.errors import InputError
from wattseal.crypto.keys import PublicKey, with_low_s
from wattseal.parties.edge.state import Charge, EdgeState, Site
from wattseal.parties.edge.step import STATION_STREAM
from wattseal.seal.card import NONCE_BYTES, OF_ANOTHER, STALE, CardProof, Challenge
from wattseal.seal.registry import Refusal
from wattseal.seal.writer import SubjectKeys
from wattseal.wire.ocpp.blocks.data_transfer.card import Shown

CHALLENGE_MS = 30_000
"""So long a card may take to answer; one that is held to the reader takes a second."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A challenge that waits for its card: `keys` are those of the transaction to come, `spki` what the card told."""

    challenge: Challenge
    keys: SubjectKeys
    spki: bytes

    @property
    def message(self) -> bytes:
        """What the card is given to sign."""
        return self.challenge.message(self.spki)


@dataclass(frozen=True, slots=True)
class ProvedCard:
    """A card that has answered: what its request says of it. `spki` is the card's own word: enrolment decides."""

    keys: SubjectKeys
    proof: CardProof
    spki: bytes


def ask(state: EdgeState, site: Site, shown: Shown, now_ms: int) -> Asked | Refusal:
    """Make a challenge for a card, or say why not.

    It is for the transaction that already runs at that EVSE and waits for a driver, if there is one.
    """
    try:
        PublicKey.from_spki(shown.spki)
    except InputError as error:
        return Refusal(error.code)
    waiting = _waiting(state, shown.evse_id)
    keys = waiting.keys if waiting is not None else SubjectKeys.new(site.writer.random)
    challenge = Challenge(
        log_origin=site.log_origin,
        origin=site.origin,
        stream=STATION_STREAM,
        head=state.stream(STATION_STREAM).head.prev,
        subject=keys.subject,
        evse_id=shown.evse_id,
        nonce=site.writer.random(NONCE_BYTES),
        made_ms=now_ms,
        token=shown.token,
    )
    return Asked(challenge, keys, shown.spki)


def _waiting(state: EdgeState, evse_id: int) -> Charge | None:
    """Return the open charge at an EVSE that nobody has been asked about, if there is exactly one."""
    open_ones = [c for c in state.charges.values() if c.end is None and c.permit is None and evse_id in {0, c.evse_id}]
    return open_ones[0] if len(open_ones) == 1 else None


def answer(state: EdgeState, asked: Asked, signature: bytes, now_ms: int) -> ProvedCard | Refusal:
    """Return the proof for the request to come, or why it is none: too late, the chain has moved on, not this key's.

    Then the reader asks for another challenge; a card that is still there answers that one too.
    """
    challenge = asked.challenge
    moved = state.stream(STATION_STREAM).head.prev != challenge.head
    if moved or not 0 <= now_ms - challenge.made_ms <= CHALLENGE_MS:
        return Refusal(STALE)
    signature = with_low_s(PublicKey.from_spki(asked.spki).algorithm, signature)
    if not challenge.is_answered(asked.spki, signature):
        return Refusal(OF_ANOTHER)
    return ProvedCard(asked.keys, challenge.proof(signature), asked.spki)
