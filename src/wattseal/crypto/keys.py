"""Signature keys of records: ESP256 (P-256, low-s, deterministic) and Ed25519, nothing else.

A public key is known by its SubjectPublicKeyInfo in DER with an uncompressed point on a named curve; the key id is
the first 8 bytes of the SHA-256 of that (docs/spec/record.md, "Keys").
"""

from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from typing import cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from nacl.bindings import crypto_sign, crypto_sign_open
from nacl.exceptions import BadSignatureError

from wattseal.base.errors import InputError
from wattseal.base.ids import KeyId
from wattseal.crypto.hashes import sha256

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
P256_HALF_ORDER = P256_ORDER // 2
_ECDSA_SIGN = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
_ECDSA_VERIFY = ec.ECDSA(hashes.SHA256())
_ED25519_SPKI_PREFIX = bytes.fromhex("302a300506032b6570032100")
_P256_SPKI_PREFIX = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")
_PRIME_25519 = 2**255 - 19
_SMALL_ORDER_Y = frozenset(
    {
        0,
        1,
        _PRIME_25519 - 1,
        0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
        0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD83D3D706A17C7,
    }
)


class Algorithm(IntEnum):
    """COSE algorithm identifiers, fully specified (RFC 9864)."""

    ESP256 = -9
    ED25519 = -19


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A verified-to-be-usable public key; compare by `spki`."""

    algorithm: Algorithm
    spki: bytes
    kid: KeyId
    _key: ec.EllipticCurvePublicKey | bytes = field(repr=False, compare=False)

    @staticmethod
    def from_spki(spki: bytes) -> "PublicKey":
        """Parse canonical SPKI bytes. Other curves, compressed points, small-order keys: `InputError`."""
        return _parse(bytes(spki))

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Return whether `signature` (64 bytes: r||s with low s, or Ed25519) is this key's over `message`."""
        if len(signature) != 64:
            return False
        if isinstance(self._key, bytes):
            try:
                crypto_sign_open(signature + message, self._key)
            except BadSignatureError:
                return False
            return True
        r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
        if not (0 < r < P256_ORDER and 0 < s <= P256_HALF_ORDER):
            return False
        try:
            self._key.verify(encode_dss_signature(r, s), message, _ECDSA_VERIFY)
        except InvalidSignature:
            return False
        return True


def with_low_s(algorithm: Algorithm, signature: bytes) -> bytes:
    """Return an r||s of P-256 with the lower of s and n - s, as records have it; any other signature as it is."""
    s = int.from_bytes(signature[32:])
    if algorithm is not Algorithm.ESP256 or len(signature) != 64 or not P256_HALF_ORDER < s < P256_ORDER:
        return signature
    return signature[:32] + (P256_ORDER - s).to_bytes(32)


@lru_cache(maxsize=4096)
def _parse(spki: bytes) -> PublicKey:
    kid = KeyId(sha256(spki)[:8])
    if spki.startswith(_ED25519_SPKI_PREFIX) and len(spki) == 44:
        y = int.from_bytes(spki[12:], "little") & (2**255 - 1)
        if y >= _PRIME_25519 or y in _SMALL_ORDER_Y:
            raise InputError("Ed25519 key of small order or not canonical", code="weak_key", subject=kid.hex())
        return PublicKey(Algorithm.ED25519, spki, kid, spki[12:])
    if spki.startswith(_P256_SPKI_PREFIX) and len(spki) == 91:
        try:
            key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), spki[26:])
        except ValueError as error:
            raise InputError("P-256 point is not on the curve", code="bad_key", subject=kid.hex()) from error
        return PublicKey(Algorithm.ESP256, spki, kid, key)
    raise InputError(
        "public key must be a DER SPKI of Ed25519 or of P-256 with an uncompressed point",
        code="bad_key",
        subject="spki",
    )


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key; its repr and pickles never show it."""

    public: PublicKey
    _key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey = field(repr=False, compare=False)
    _ed25519: bytes = field(repr=False, compare=False)
    """Seed and public key of an Ed25519 key, as libsodium signs with them in half the time; empty for P-256."""

    @staticmethod
    def from_seed(algorithm: Algorithm, seed: bytes) -> "SigningKey":
        """Derive a key from 32 random bytes; for P-256 a 1 in 2^32 of all seeds is refused with `InputError`."""
        if len(seed) != 32:
            raise InputError("a key seed is 32 bytes", code="bad_key", subject="seed")
        if algorithm is Algorithm.ED25519:
            return SigningKey._of(ed25519.Ed25519PrivateKey.from_private_bytes(seed))
        scalar = int.from_bytes(seed)
        if not 0 < scalar < P256_ORDER:
            raise InputError("seed outside the curve's order, draw another", code="bad_key", subject="seed")
        return SigningKey._of(ec.derive_private_key(scalar, ec.SECP256R1()))

    @staticmethod
    def from_pem(pem: bytes) -> "SigningKey":
        """Load an unencrypted PKCS#8 PEM private key of Ed25519 or P-256."""
        try:
            key = serialization.load_pem_private_key(pem, None)
        except (ValueError, TypeError) as error:
            raise InputError("not an unencrypted PKCS#8 private key", code="bad_key", subject="pem") from error
        if isinstance(key, ed25519.Ed25519PrivateKey) or (
            isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1)
        ):
            return SigningKey._of(key)
        raise InputError("private key is neither Ed25519 nor P-256", code="bad_key", subject="pem")

    @staticmethod
    def _of(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> "SigningKey":
        spki = key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        seed = key.private_bytes_raw() if isinstance(key, ed25519.Ed25519PrivateKey) else b""
        return SigningKey(PublicKey.from_spki(spki), key, seed and seed + spki[-32:])

    def to_pem(self) -> bytes:
        """Return the key as unencrypted PKCS#8 PEM, for a key file only its owner may read."""
        return self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def sign(self, message: bytes) -> bytes:
        """Return 64 bytes: Ed25519 (RFC 8032), or ECDSA r||s with low s and a deterministic nonce (RFC 6979)."""
        if self._ed25519:
            return crypto_sign(message, self._ed25519)[:64]
        key = cast("ec.EllipticCurvePrivateKey", self._key)  # the other kind there is
        r, s = decode_dss_signature(key.sign(message, _ECDSA_SIGN))
        if s > P256_HALF_ORDER:
            s = P256_ORDER - s
        return r.to_bytes(32) + s.to_bytes(32)
