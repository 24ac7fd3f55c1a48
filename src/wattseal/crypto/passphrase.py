"""Secrets under a passphrase: scrypt (RFC 7914) for the key, ChaCha20-Poly1305 (RFC 8439) for the bytes.

Layout: the line `wattseal-locked-1`, log2 of N (1 byte), salt (16 bytes), ciphertext with tag. The header is the
additional data. A salt, and with it a key, is never used twice, hence the zero nonce.
"""

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from wattseal.base.errors import InputError

SALT_BYTES: Final = 16
MIN_PASSPHRASE: Final = 12
_MAGIC: Final = b"wattseal-locked-1\n"
_HEADER_BYTES: Final = len(_MAGIC) + 1 + SALT_BYTES
_COST: Final = 17
"""N = 2^17 with r = 8: 128 MiB for each guess."""
_MAX_COST: Final = 20
_NONCE: Final = bytes(12)


def lock(plaintext: bytes, passphrase: str, salt: bytes) -> bytes:
    """Encrypt under `passphrase` (at least 12 characters) and 16 fresh random bytes of `salt`."""
    if len(passphrase) < MIN_PASSPHRASE:
        raise InputError(
            f"a passphrase has at least {MIN_PASSPHRASE} characters; several random words are good",
            code="weak_passphrase",
        )
    if len(salt) != SALT_BYTES:
        raise InputError("a salt is 16 bytes", subject="salt")
    header = _MAGIC + bytes([_COST]) + salt
    return header + ChaCha20Poly1305(_key(passphrase, salt, _COST)).encrypt(_NONCE, plaintext, header)


def unlock(locked: bytes, passphrase: str) -> bytes:
    """Return what `lock` was given; `InputError` for other files, wrong passphrases and changed bytes."""
    header = locked[:_HEADER_BYTES]
    if not header.startswith(_MAGIC) or len(header) != _HEADER_BYTES or header[len(_MAGIC)] > _MAX_COST:
        raise InputError("this is not a file locked by wattseal", code="not_locked")
    key = _key(passphrase, header[-SALT_BYTES:], header[len(_MAGIC)])
    try:
        return ChaCha20Poly1305(key).decrypt(_NONCE, locked[_HEADER_BYTES:], header)
    except InvalidTag as error:
        raise InputError("the passphrase is wrong, or the file was changed", code="wrong_passphrase") from error


def _key(passphrase: str, salt: bytes, cost: int) -> bytes:
    return Scrypt(salt=salt, length=32, n=1 << cost, r=8, p=1).derive(passphrase.encode())
