"""Passwords of stations: kept as salted scrypt digests, compared in constant time.

Station passwords are 16 to 64 random characters or bytes (OCPP security profiles 1 and 2), so the work factor is kept
where five thousand stations can come back within minutes on one core.
"""

import hashlib
import hmac

_N, _R, _P, _LENGTH = 1024, 8, 1, 32


def digest_password(password: bytes, salt: bytes) -> str:
    """Return "scrypt$salt$digest" in hex; `salt` is 16 random bytes."""
    return f"scrypt${salt.hex()}${_derive(password, salt).hex()}"


def password_matches(password: bytes, digest: str) -> bool:
    """Return whether `password` is the one digested; a malformed digest matches nothing."""
    kind, _, rest = digest.partition("$")
    salt, _, expected = rest.partition("$")
    try:
        return kind == "scrypt" and hmac.compare_digest(_derive(password, bytes.fromhex(salt)), bytes.fromhex(expected))
    except ValueError:
        return False


def _derive(password: bytes, salt: bytes) -> bytes:
    return hashlib.scrypt(password, salt=salt, n=_N, r=_R, p=_P, dklen=_LENGTH)
