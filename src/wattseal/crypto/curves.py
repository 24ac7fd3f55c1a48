"""ECDSA over the curves foreign meters use, verification only (OCMF 1.4, tables 22 and 23).

Keys arrive as SubjectPublicKeyInfo (RFC 5480, named curve, uncompressed point) or, from some meters, as a bare
point `04 || X || Y` or `X || Y`; a bare point says nothing of its curve and is read on the signature's. Signatures
are strict DER `SEQUENCE { r, s }`, minimal integers, nothing behind. Both (r, s) and (r, n - s) verify, as ECDSA has
it: two different signatures may stand under one message, so deduplicate on the message and never on the signature.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache

import coincurve
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from wattseal.base.errors import InputError, LimitError

MAX_KEY_BYTES = 512
_OCA_PREFIX = b"oca:base16:asn1:"
_PEM = re.compile(r"\s*-----BEGIN PUBLIC KEY-----([^-]*)-----END PUBLIC KEY-----\s*\Z")
_SECP192K1_OID = bytes.fromhex("06052b8104001f")


class Curve(Enum):
    """A curve of OCMF table 22; the value is its name in the standards."""

    SECP192K1 = "secp192k1"
    SECP192R1 = "secp192r1"
    SECP256K1 = "secp256k1"
    SECP256R1 = "secp256r1"
    SECP384R1 = "secp384r1"
    BRAINPOOL256R1 = "brainpoolP256r1"
    BRAINPOOL384R1 = "brainpoolP384r1"


class HashName(Enum):
    """Hashes a signature algorithm may name."""

    SHA256 = "SHA256"
    SHA384 = "SHA384"
    SHA512 = "SHA512"


_CURVES: dict[Curve, ec.EllipticCurve] = {
    Curve.SECP192R1: ec.SECP192R1(),
    Curve.SECP256K1: ec.SECP256K1(),
    Curve.SECP256R1: ec.SECP256R1(),
    Curve.SECP384R1: ec.SECP384R1(),
    Curve.BRAINPOOL256R1: ec.BrainpoolP256R1(),
    Curve.BRAINPOOL384R1: ec.BrainpoolP384R1(),
}
_BY_NAME = {curve.name: name for name, curve in _CURVES.items()}
_HASHES: dict[HashName, hashes.HashAlgorithm] = {
    HashName.SHA256: hashes.SHA256(),
    HashName.SHA384: hashes.SHA384(),
    HashName.SHA512: hashes.SHA512(),
}
SECP256K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


class KeyUnusableError(InputError):
    """A public key that cannot be used; `code` is `bad_key` or `curve_unsupported`."""

    code = "bad_key"


@dataclass(frozen=True, slots=True)
class MeterKey:
    """A usable public key: its curve and its uncompressed point (`04 || X || Y`), by which keys are compared."""

    curve: Curve
    point: bytes
    _key: ec.EllipticCurvePublicKey = field(repr=False, compare=False)

    def spki(self) -> bytes:
        """Return the key as DER SubjectPublicKeyInfo with an uncompressed point on a named curve."""
        return self._key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)

    def verify(self, message: bytes, signature: bytes, hash_name: HashName = HashName.SHA256) -> bool:
        """Return whether `signature` (strict DER) is this key's ECDSA over the hash of `message`."""
        rs = read_der_signature(signature)
        if rs is None:
            return False
        try:
            if self.curve is Curve.SECP256K1:
                return _verify_secp256k1(self.point, message, rs, hash_name)
            self._key.verify(signature, message, ec.ECDSA(_HASHES[hash_name]))
        except InvalidSignature:
            return False
        except UnsupportedAlgorithm as error:
            raise _unsupported(self.curve) from error
        return True


def _verify_secp256k1(point: bytes, message: bytes, rs: tuple[int, int], hash_name: HashName) -> bool:
    """Verify with libsecp256k1, which takes the lower of (s, n - s) only."""
    r, s = rs
    if not (0 < r < SECP256K1_ORDER and 0 < s < SECP256K1_ORDER):
        return False
    digest = hashlib.new(hash_name.value, message, usedforsecurity=True).digest()[:32]
    low = utils.encode_dss_signature(r, min(s, SECP256K1_ORDER - s))
    return bool(coincurve.PublicKey(point).verify(low, digest, hasher=None))


def read_der_signature(signature: bytes) -> tuple[int, int] | None:
    """Return (r, s) of a strict DER ECDSA signature with positive integers, or None."""
    try:
        r, s = utils.decode_dss_signature(signature)
    except ValueError:
        return None
    if r <= 0 or s <= 0 or utils.encode_dss_signature(r, s) != signature:
        return None
    return r, s


@lru_cache(maxsize=4096)
def parse_public_key(data: bytes, bare_point_curve: Curve | None = None) -> MeterKey:
    """Parse SPKI DER, or a bare point on `bare_point_curve`.

    Points off the curve, trailing bytes, compressed points, other key types and curves this system cannot verify
    raise `KeyUnusableError`.
    """
    if len(data) > MAX_KEY_BYTES:
        raise KeyUnusableError("a public key is at most 512 bytes", subject="public_key")
    if data[:1] == b"\x30" and len(data) not in {48, 64, 96}:
        return _parse_spki(data)
    if bare_point_curve is None:
        raise KeyUnusableError("public key is not DER SubjectPublicKeyInfo", subject="public_key")
    curve = _CURVES.get(bare_point_curve)
    if curve is None:
        raise _unsupported(bare_point_curve)
    width = (curve.key_size + 7) // 8
    point = b"\x04" + data if len(data) == 2 * width else data
    if len(point) != 2 * width + 1 or point[0] != 4:
        raise KeyUnusableError(f"public key is no point on {bare_point_curve.value}", subject="public_key")
    try:
        return MeterKey(bare_point_curve, point, ec.EllipticCurvePublicKey.from_encoded_point(curve, point))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyUnusableError(f"public key is no point on {bare_point_curve.value}", subject="public_key") from error


def _parse_spki(data: bytes) -> MeterKey:
    try:
        key = serialization.load_der_public_key(data)
    except UnsupportedAlgorithm as error:
        if _SECP192K1_OID in data[:32]:
            raise _unsupported(Curve.SECP192K1) from error
        raise KeyUnusableError(
            "public key of an unsupported kind", code="curve_unsupported", subject="public_key"
        ) from error
    except (ValueError, TypeError) as error:
        raise KeyUnusableError("public key is not DER SubjectPublicKeyInfo", subject="public_key") from error
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise KeyUnusableError("public key is not for ECDSA", subject="public_key")
    name = _BY_NAME.get(key.curve.name)
    if name is None:
        raise KeyUnusableError(
            f"curve {key.curve.name} is not supported", code="curve_unsupported", subject="public_key"
        )
    point = key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    parsed = MeterKey(name, point, key)
    if parsed.spki() != data:
        raise KeyUnusableError("public key is not canonical DER with an uncompressed point", subject="public_key")
    return parsed


def _unsupported(curve: Curve) -> KeyUnusableError:
    return KeyUnusableError(
        f"curve {curve.value} cannot be verified here", code="curve_unsupported", subject="public_key"
    )


def key_bytes(text: str) -> bytes:
    """Return the bytes of a public key written as text, not yet parsed.

    Accepted: hex with any white space, base64, PEM, and the OCPP form base64("oca:base16:asn1:" + hex). Text of hex
    digits only is hex. Anything else raises `KeyUnusableError` without repeating the text.
    """
    if len(text) > 4 * MAX_KEY_BYTES:
        raise LimitError("a public key is at most 2048 characters of text", subject="public_key")
    pem = _PEM.match(text)
    compact = "".join((pem.group(1) if pem else text).split())
    if not compact or not compact.isascii():
        raise KeyUnusableError("public key is neither hex nor base64", subject="public_key")
    try:
        if pem is None and re.fullmatch(r"[0-9A-Fa-f]+", compact):
            return bytes.fromhex(compact)
        data = base64.b64decode(compact, validate=True)
        return bytes.fromhex(data[len(_OCA_PREFIX) :].decode("ascii")) if data.startswith(_OCA_PREFIX) else data
    except (binascii.Error, ValueError) as error:
        raise KeyUnusableError("public key is neither hex nor base64", subject="public_key") from error
