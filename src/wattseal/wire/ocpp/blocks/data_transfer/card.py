"""Cards that prove themselves, between a reader and whoever writes the station's records (docs/spec/card.md).

The same two messages in every version of OCPP: DataTransfer of vendor "wattseal", first for a challenge, then with what
the card made of it. `data` is JSON, in 1.6 as text.
"""

from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any

import msgspec

from wattseal.model.token import IdToken, TokenStatus
from wattseal.wire.ocpp import guard

CHALLENGE, PROOF = "card_challenge", "card_proof"
"""messageId of the two."""
MAX_TOKEN, MAX_EVSE = 255, 9999
SIGNATURE_BYTES = 64


@dataclass(frozen=True, slots=True)
class Shown:
    """A card as it tells of itself: its number, at which EVSE (0: the station's reader), its public key (SPKI)."""

    token: IdToken
    evse_id: int
    spki: bytes


@dataclass(frozen=True, slots=True)
class Answered:
    """A challenge, and the card's signature on it."""

    challenge: bytes
    signature: bytes


def read_shown(data: object) -> Shown | None:
    """Return the card that a challenge is asked for; None for anything else."""
    fields = _fields(data)
    value, kind, evse_id = fields.get("idToken"), fields.get("type", "ISO14443"), fields.get("evseId", 0)
    spki = _bytes(fields.get("publicKey"))
    if not (isinstance(value, str) and 0 < len(value) <= MAX_TOKEN and isinstance(kind, str) and 0 < len(kind) <= 36):
        return None
    if type(evse_id) is not int or not 0 <= evse_id <= MAX_EVSE or spki is None:
        return None
    return Shown(IdToken(value, kind), evse_id, spki)


def read_answered(data: object) -> Answered | None:
    """Return a card's answer; None for anything else."""
    fields = _fields(data)
    challenge, signature = _bytes(fields.get("challenge")), _bytes(fields.get("signature"))
    if challenge is None or signature is None or len(signature) != SIGNATURE_BYTES:
        return None
    return Answered(challenge, signature)


def shown_data(token: IdToken, evse_id: int, spki: bytes) -> dict[str, Any]:
    """Return what a reader sends to ask for a challenge."""
    return {"idToken": token.value, "type": token.type, "evseId": evse_id, "publicKey": b64encode(spki).decode()}


def answered_data(challenge: bytes, signature: bytes) -> dict[str, Any]:
    """Return what a reader sends with a card's answer."""
    return {"challenge": b64encode(challenge).decode(), "signature": b64encode(signature).decode()}


def read_challenge(data: object) -> bytes | None:
    """Return the challenge a reader was given; None where there is none."""
    return _bytes(_fields(data).get("challenge"))


def read_status(data: object) -> str | None:
    """Return what a card's token was told; None where its answer is no proof."""
    status = _fields(data).get("status")
    return status if isinstance(status, str) else None


def challenge_data(challenge: bytes, valid_s: int) -> dict[str, Any]:
    """Return what a reader is told to have signed, and within how many seconds."""
    return {"challenge": b64encode(challenge).decode(), "validFor": valid_s}


def status_data(status: TokenStatus) -> dict[str, Any]:
    """Return what the card's token was told."""
    return {"status": status.value}


def refusal_data(code: str) -> dict[str, Any]:
    """Return why there is no challenge or no proof, as a code."""
    return {"code": code}


def spelled(data: dict[str, Any], *, ocpp16: bool) -> object:
    """Return data as a version has it."""
    return msgspec.json.encode(data).decode() if ocpp16 else data


def _fields(data: object) -> dict[str, Any]:
    if isinstance(data, str):
        try:
            data = guard.parse(data.encode("utf-8"))
        except (guard.NotJsonError, UnicodeEncodeError):
            return {}
    return data if isinstance(data, dict) else {}


def _bytes(text: object) -> bytes | None:
    if not isinstance(text, str) or len(text) > 1024:
        return None
    try:
        return b64decode(text, validate=True)
    except ValueError:
        return None
