"""Passwords that people choose: Argon2id (RFC 9106), with the second recommended parameters: 64 MiB, three passes.

One computation takes some tens of milliseconds and 64 MiB: whoever calls this bounds how many run at once.
"""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SALT_BYTES = 16
_HASHER = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1, hash_len=32, salt_len=SALT_BYTES)
NOBODY = "$argon2id$v=19$m=65536,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$RPYYEjMoUHPEFUFgtO+zHKUoWMBNkmNPDtpa1OI/kbE"
"""What is compared with where there is no such person, so that this takes as long: a digest like others."""


def digest_of(password: str, salt: bytes) -> str:
    """Return the digest, with its parameters and salt in it."""
    return _HASHER.hash(password, salt=salt)


def matches(password: str, digest: str) -> bool:
    """Return whether `password` is the one digested; a malformed digest matches nothing."""
    try:
        return _HASHER.verify(digest, password)
    except (VerificationError, InvalidHashError):
        return False
