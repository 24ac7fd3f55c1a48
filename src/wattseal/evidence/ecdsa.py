"""One ECDSA signature of a foreign record under the keys supplied: the verdict, its reason, the key that verified."""

from collections.abc import Iterable, Sequence

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from wattseal.crypto.curves import Curve, HashName, KeyUnusableError, parse_public_key
from wattseal.model.verdict import Verdict

Signed = tuple[Verdict, str, bytes | None]
"""Verdict, reason code and the supplied key that verified."""


def verify_under(keys: Sequence[bytes], curve: Curve, hash_name: HashName, payload: bytes, signature: bytes) -> Signed:
    """Try every key: one that verifies wins, then one that refutes, then the reason why none is usable.

    `signature` is strict DER; a bare point among `keys` is read on `curve`.
    """
    reasons = set()
    for data in keys:
        reason = _under(data, curve, hash_name, payload, signature)
        if reason == "signature_valid":
            return Verdict.VALID, reason, data
        reasons.add(reason)
    for refuted in ("signature_mismatch", "key_curve_mismatch"):
        if refuted in reasons:
            return Verdict.INVALID, refuted, None
    return Verdict.UNKNOWN_KEY, min(reasons, default="no_key"), None


def verify_raw(keys: Sequence[bytes], curve: Curve, payload: bytes, signature: bytes) -> Signed:
    """Verify `signature`, r and s one after the other in equal halves, over SHA-256 of `payload`."""
    half = len(signature) // 2
    r, s = int.from_bytes(signature[:half]), int.from_bytes(signature[half:])
    if r == 0 or s == 0:
        return Verdict.INVALID, "signature_mismatch", None
    return verify_under(keys, curve, HashName.SHA256, payload, encode_dss_signature(r, s))


def all_of(signed: Iterable[Signed]) -> Signed:
    """Return what several signatures of one record come to: VALID only if each is, under one and the same key."""
    results = tuple(signed)
    for worst in (Verdict.INVALID, Verdict.UNKNOWN_KEY):
        found = next((result for result in results if result[0] is worst), None)
        if found is not None:
            return found[0], found[1], None
    if len({key for _, _, key in results}) != 1:
        return Verdict.INVALID, "signed_by_several", None
    return results[0]


def _under(data: bytes, curve: Curve, hash_name: HashName, payload: bytes, signature: bytes) -> str:
    """Return the reason code for one key."""
    try:
        key = parse_public_key(bytes(data), curve)
        if key.curve is not curve:
            return "key_curve_mismatch"
        return "signature_valid" if key.verify(payload, signature, hash_name) else "signature_mismatch"
    except KeyUnusableError as error:
        return error.code
