"""Whether a code that somebody shows is good here and now: whose key, when, where. One use is the journal's affair."""

from dataclasses import dataclass
from enum import StrEnum

from wattseal.base.errors import InputError
from wattseal.crypto.keys import PublicKey
from wattseal.seal.app_code import AppCode, ShownCode
from wattseal.seal.item import Kind
from wattseal.seal.registry import Refusal, Registry, Role

KIND = "app_code"
"""What records call what was shown."""
DECIDES_ON = {Role.BILLING: "billing", Role.EMSP: "authorisation"}
"""Who may issue codes: whose key is enrolled for the chain on which it decides who may charge."""
LIFE_S, MAX_LIFE_S = 5 * 60, 15 * 60
"""How long a code is good if nothing else is said, and at most: one that says more is refused."""
LEEWAY_S = 30
"""How far the issuer's clock and ours may be apart."""
KEPT_S = 86_400
"""How long it is remembered beyond a code's end that it was used: a clock set back by a day forgets nothing."""


class Fault(StrEnum):
    """Why a code begins nothing."""

    UNKNOWN_KEY = "unknown_key"
    ISSUER_NOT_ENTITLED = "issuer_not_entitled"
    KEY_REVOKED = "key_revoked"
    SIGNATURE_INVALID = "signature_invalid"
    LIVES_TOO_LONG = "lives_too_long"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    OTHER_PLACE = "other_place"
    USED = "used"


UNSIGNED = frozenset({Fault.UNKNOWN_KEY, Fault.ISSUER_NOT_ENTITLED, Fault.KEY_REVOKED, Fault.SIGNATURE_INVALID})
"""Faults of what nobody entitled has signed: anybody can make such codes."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """Who looks at a code: the CPO whose stations they are, whose keys count for whom, and the time."""

    cpo: str
    registry: Registry
    now_ms: int


def fault_of(shown: ShownCode, at: Verifier, station_id: str, evse_id: int) -> Fault | None:
    """Return why a code is not good at an EVSE now; None where it is, once."""
    code = shown.code
    return _signer_fault(shown, at) or _time_fault(code, at.now_ms) or _place_fault(code, station_id, evse_id)


def _signer_fault(shown: ShownCode, at: Verifier) -> Fault | None:
    """Return what is wrong with the signature: the key must be enrolled to decide for the issuer it names."""
    issuer = shown.code.issuer
    entry = at.registry.by_kid(shown.kid)
    if entry is None:
        return Fault.UNKNOWN_KEY
    chain = DECIDES_ON.get(entry.role, "")
    found = at.registry.signer(shown.kid, f"{issuer}/{chain}", Kind.DECISION, shown.code.issued_s * 1000)
    own = entry.role is Role.EMSP or issuer == at.cpo
    if isinstance(found, Refusal) or entry.party != issuer or not (chain and own):
        return Fault.ISSUER_NOT_ENTITLED
    if entry.revoked_ms is not None and at.now_ms >= entry.revoked_ms:
        return Fault.KEY_REVOKED
    try:
        key = PublicKey.from_spki(entry.spki)
    except InputError:
        return Fault.UNKNOWN_KEY
    return None if shown.signed_by(key, at.cpo) else Fault.SIGNATURE_INVALID


def _time_fault(code: AppCode, now_ms: int) -> Fault | None:
    now_s = now_ms / 1000
    if code.expires_s - code.issued_s > MAX_LIFE_S:
        return Fault.LIVES_TOO_LONG
    if code.issued_s > now_s + LEEWAY_S:
        return Fault.NOT_YET_VALID
    return Fault.EXPIRED if code.expires_s + LEEWAY_S <= now_s else None


def _place_fault(code: AppCode, station_id: str, evse_id: int) -> Fault | None:
    here = code.station_id.casefold() == station_id.casefold() and code.evse_id == evse_id
    return None if here else Fault.OTHER_PLACE
