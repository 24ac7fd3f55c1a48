"""Signed webhooks: `t=SECONDS,v1=HEX`, the HMAC-SHA256 of `SECONDS.BODY` under a secret both sides know. Pure.

It is the scheme of Stripe's `Stripe-Signature`; several `v1` may stand there while a secret is being changed.
"""

import hmac

TOLERANCE_S = 300
"""How far a webhook's time may be from ours, either way."""
MAX_HEADER = 1024
MAX_SIGNATURES = 8


def sign(secret: str, body: bytes, at_s: int) -> str:
    """Return the header's value."""
    return f"t={at_s},v1={_mac(secret, body, at_s)}"


def verify(secret: str, header: str, body: bytes, now_s: int) -> str | None:
    """Return None where the header was made with the secret, for this body, just now; else a code.

    `bad_signature`: made by somebody else, for another body, or not readable; `too_old`: genuine, from another time.
    """
    if len(header) > MAX_HEADER:
        return "bad_signature"
    parts = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in parts if name == "t"]
    signatures = [value for name, _, value in parts if name == "v1"][:MAX_SIGNATURES]
    if len(times) != 1 or not times[0].isascii() or not times[0].isdecimal() or len(times[0]) > 12:
        return "bad_signature"
    at_s = int(times[0])
    wanted = _mac(secret, body, at_s).encode()
    if not any(hmac.compare_digest(wanted, signature.encode()) for signature in signatures):
        return "bad_signature"
    return "too_old" if abs(now_s - at_s) > TOLERANCE_S else None


def _mac(secret: str, body: bytes, at_s: int) -> str:
    return hmac.digest(secret.encode(), b"%d.%b" % (at_s, body), "sha256").hex()
