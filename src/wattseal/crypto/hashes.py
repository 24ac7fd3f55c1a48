"""SHA-256 and HKDF (RFC 5869) over it."""

import hashlib
import hmac


def sha256(data: bytes) -> bytes:
    """Return the 32-byte SHA-256 of `data`."""
    return hashlib.sha256(data).digest()


def hkdf_expand(key: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand (RFC 5869, 2.3) with SHA-256; `key` is a 32-byte pseudorandom key, `length` at most 32 bytes."""
    if len(key) != 32 or not 0 < length <= 32:
        msg = "hkdf_expand takes a 32-byte key and gives at most 32 bytes"
        raise ValueError(msg)
    return hmac.digest(key, info + b"\x01", "sha256")[:length]


def hkdf(ikm: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """HKDF extract-then-expand (RFC 5869, 2.2 and 2.3) with SHA-256; at most 32 bytes."""
    return hkdf_expand(hmac.digest(salt, ikm, "sha256"), info, length)
