"""Passkeys (WebAuthn level 3): what a browser is asked for, and whether what it answers is right."""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

ALGORITHMS = (-7, -8, -257)
"""COSE: ES256, EdDSA, RS256."""
CHALLENGE_BYTES = 32
TIMEOUT_MS = 300_000
MAX_ANSWER = 16 * 1024


@dataclass(frozen=True, slots=True)
class Site:
    """Where passkeys are good: `rp_id` is the host's name, `origin` what the browser says of the page."""

    rp_id: str
    origin: str


@dataclass(frozen=True, slots=True)
class Made:
    """A new passkey."""

    id: bytes
    public_key: bytes
    sign_count: int


def creation(site: Site, challenge: bytes, handle: bytes, name: str, known: Iterable[bytes]) -> dict[str, Any]:
    """Return PublicKeyCredentialCreationOptionsJSON: a passkey kept by the device, opened by its user, not attested."""
    return {
        "rp": {"id": site.rp_id, "name": "wattseal"},
        "user": {"id": text(handle), "name": name, "displayName": name},
        "challenge": text(challenge),
        "pubKeyCredParams": [{"type": "public-key", "alg": algorithm} for algorithm in ALGORITHMS],
        "timeout": TIMEOUT_MS,
        "excludeCredentials": [{"type": "public-key", "id": text(one)} for one in known],
        "authenticatorSelection": {"residentKey": "required", "userVerification": "required"},
        "attestation": "none",
    }


def request(site: Site, challenge: bytes) -> dict[str, Any]:
    """Return PublicKeyCredentialRequestOptionsJSON: any passkey of this site, opened by its user."""
    return {
        "challenge": text(challenge),
        "rpId": site.rp_id,
        "timeout": TIMEOUT_MS,
        "userVerification": "required",
        "allowCredentials": [],
    }


def challenge_of(answer: dict[str, Any]) -> bytes:
    """Return the challenge that an answer says it is to; b"" where it says none. Nothing is verified yet."""
    try:
        told = msgspec.json.decode(raw(answer["response"]["clientDataJSON"]))
        return raw(told["challenge"])
    except (KeyError, TypeError, ValueError, msgspec.DecodeError):
        return b""


def id_of(answer: dict[str, Any]) -> bytes:
    """Return the id of the passkey that an answer says it is of; b"" where it says none."""
    try:
        return raw(answer["rawId"])
    except (KeyError, TypeError, ValueError):
        return b""


def check_made(site: Site, challenge: bytes, answer: dict[str, Any]) -> Made | None:
    """Return the passkey that was made, None where the answer does not prove one to this site and challenge."""
    from webauthn import verify_registration_response  # noqa: PLC0415 - slow to import, and few use passkeys
    from webauthn.helpers.exceptions import WebAuthnException  # noqa: PLC0415 - same

    try:
        found = verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, TypeError, KeyError):
        return None
    return Made(found.credential_id, found.credential_public_key, found.sign_count)


def check_used(site: Site, challenge: bytes, answer: dict[str, Any], key: bytes, count: int) -> int | None:
    """Return the passkey's new count, None where the answer is not by this key, or its count went back (a copy)."""
    from webauthn import verify_authentication_response  # noqa: PLC0415 - slow to import, and few use passkeys
    from webauthn.helpers.exceptions import WebAuthnException  # noqa: PLC0415 - same

    try:
        found = verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            credential_public_key=key,
            credential_current_sign_count=count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, TypeError, KeyError):
        return None
    return found.new_sign_count


def text(data: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def raw(told: str) -> bytes:
    """Read base64url without padding; ValueError else."""
    try:
        return base64.b64decode(told + "=" * (-len(told) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("no base64url") from error
