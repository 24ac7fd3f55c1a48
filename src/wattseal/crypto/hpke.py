"""HPKE base mode, X25519-HKDF-SHA256 + HKDF-SHA256 + AES-128-GCM (RFC 9180): the one suite for sealing secrets."""

from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import x25519
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from wattseal.base.errors import InputError

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)
_SPKI_PREFIX = bytes.fromhex("302a300506032b656e032100")
_PROBE = x25519.X25519PrivateKey.from_private_bytes(b"\x2a" * 32)
OVERHEAD_BYTES = 48
"""enc (32) and tag (16)."""


@dataclass(frozen=True, slots=True)
class SealPublicKey:
    """An X25519 public key that secrets are sealed to."""

    raw: bytes
    _key: x25519.X25519PublicKey = field(repr=False, compare=False)

    @staticmethod
    def from_spki(spki: bytes) -> "SealPublicKey":
        """Parse a DER SPKI of X25519; small-order points are refused with `InputError`."""
        return _parse(bytes(spki))

    @property
    def spki(self) -> bytes:
        """DER SPKI."""
        return _SPKI_PREFIX + self.raw

    def seal(self, plaintext: bytes, info: bytes) -> bytes:
        """Return enc || ciphertext; the context goes in `info`. Uses HPKE's own randomness."""
        return _SUITE.encrypt(plaintext, self._key, info)


@lru_cache(maxsize=4096)
def _parse(spki: bytes) -> SealPublicKey:
    if not spki.startswith(_SPKI_PREFIX) or len(spki) != 44:
        raise InputError("sealing key must be a DER SPKI of X25519", code="bad_key", subject="spki")
    key = x25519.X25519PublicKey.from_public_bytes(spki[12:])
    try:
        _PROBE.exchange(key)
    except ValueError as error:
        raise InputError("X25519 key of small order", code="weak_key", subject="spki") from error
    return SealPublicKey(spki[12:], key)


@dataclass(frozen=True, slots=True)
class SealPrivateKey:
    """A reader's X25519 private key."""

    public: SealPublicKey
    _key: x25519.X25519PrivateKey = field(repr=False, compare=False)

    @staticmethod
    def from_seed(seed: bytes) -> "SealPrivateKey":
        """Make a key of 32 random bytes."""
        return SealPrivateKey._of(x25519.X25519PrivateKey.from_private_bytes(seed))

    @staticmethod
    def from_pem(pem: bytes) -> "SealPrivateKey":
        """Load an unencrypted PKCS#8 PEM X25519 key."""
        try:
            key = serialization.load_pem_private_key(pem, None)
        except (ValueError, TypeError) as error:
            raise InputError("not an unencrypted PKCS#8 private key", code="bad_key", subject="pem") from error
        if not isinstance(key, x25519.X25519PrivateKey):
            raise InputError("private key is not X25519", code="bad_key", subject="pem")
        return SealPrivateKey._of(key)

    @staticmethod
    def _of(key: x25519.X25519PrivateKey) -> "SealPrivateKey":
        raw = key.public_key().public_bytes_raw()
        return SealPrivateKey(SealPublicKey.from_spki(_SPKI_PREFIX + raw), key)

    def to_pem(self) -> bytes:
        """Return the key as unencrypted PKCS#8 PEM, for a key file only its owner may read."""
        return self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def open(self, sealed: bytes, info: bytes) -> bytes | None:
        """Return the plaintext, or None where it was not sealed to this key and `info`."""
        try:
            return _SUITE.decrypt(sealed, self._key, info)
        except (InvalidTag, ValueError):
            return None
