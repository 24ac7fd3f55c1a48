"""AES-128-GCM under keys that are used once, hence the zero nonce."""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = bytes(12)


def seal_once(key: bytes, plaintext: bytes, aad: bytes) -> bytes:
    """Encrypt under a 16-byte key that never encrypts anything else."""
    return AESGCM(key).encrypt(_NONCE, plaintext, aad)


def open_once(key: bytes, ciphertext: bytes, aad: bytes) -> bytes | None:
    """Return the plaintext, or None where tag, key or `aad` do not fit."""
    try:
        return AESGCM(key).decrypt(_NONCE, ciphertext, aad)
    except InvalidTag:
        return None
