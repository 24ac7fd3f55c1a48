"""Keys that sign OCPP messages (2.x part 4, 7.3): ES256, RS256 and RS384 of RFC 7518, and nothing else.

A key verifies under the algorithms of its own kind only, so that no key is ever taken for the secret of a MAC.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from wattseal.base.errors import InputError, LimitError
from wattseal.crypto.certificates import UNREADABLE
from wattseal.crypto.hashes import sha256
from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.model.station import MessageCertificate

MAX_CERTIFICATE_BYTES = 8192
MIN_RSA_BITS, MAX_RSA_BITS = 2048, 4096
"""Shorter RSA keys prove nothing (security whitepaper, A00.FR.503); longer ones only cost time."""
_RSA_EXPONENT = 65537
_ECDSA = ec.ECDSA(hashes.SHA256())
_PKCS1 = padding.PKCS1v15()


class MessageAlgorithm(StrEnum):
    """The value of `alg` in a signed message."""

    ES256 = "ES256"
    RS256 = "RS256"
    RS384 = "RS384"


_RSA_HASHES = {MessageAlgorithm.RS256: hashes.SHA256(), MessageAlgorithm.RS384: hashes.SHA384()}


@dataclass(frozen=True, slots=True)
class MessageKey:
    """A public key that may have signed messages; compare by `spki`."""

    spki: bytes
    _key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey = field(repr=False, compare=False)

    def fits(self, algorithm: MessageAlgorithm) -> bool:
        """Return whether this key is of the algorithm's kind."""
        return isinstance(self._key, ec.EllipticCurvePublicKey) is (algorithm is MessageAlgorithm.ES256)

    def verify(self, message: bytes, signature: bytes, algorithm: MessageAlgorithm) -> bool:
        """Return whether `signature` is this key's over `message`: r||s of 64 bytes, or one RSA block."""
        try:
            if isinstance(self._key, rsa.RSAPublicKey):
                if algorithm is MessageAlgorithm.ES256:
                    return False
                self._key.verify(signature, message, _PKCS1, _RSA_HASHES[algorithm])
            elif algorithm is MessageAlgorithm.ES256 and len(signature) == 64:
                r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
                self._key.verify(encode_dss_signature(r, s), message, _ECDSA)
            else:
                return False
        except InvalidSignature:
            return False
        return True


@lru_cache(maxsize=4096)
def read_message_key(spki: bytes) -> MessageKey:
    """Return the key of a DER SubjectPublicKeyInfo: P-256, or RSA of 2048 to 4096 bits with the exponent 65537."""
    if len(spki) > MAX_CERTIFICATE_BYTES:
        raise LimitError("a public key is at most 8192 bytes", code="bad_key", subject="public_key")
    try:
        key = serialization.load_der_public_key(spki)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InputError("not a DER SubjectPublicKeyInfo", code="bad_key", subject="public_key") from error
    return MessageKey(spki, _usable(key))


def _usable(key: object) -> ec.EllipticCurvePublicKey | rsa.RSAPublicKey:
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    if (
        isinstance(key, rsa.RSAPublicKey)
        and MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS
        and key.public_numbers().e == _RSA_EXPONENT
    ):
        return key
    text = "messages are signed with P-256, or with RSA of 2048 to 4096 bits and the exponent 65537"
    raise InputError(text, code="bad_key", subject="public_key")


def read_message_certificate(data: bytes) -> MessageCertificate:
    """Return what counts of a certificate in PEM or DER; `InputError` where it or its key cannot be used."""
    if len(data) > MAX_CERTIFICATE_BYTES:
        raise LimitError("a certificate is at most 8192 bytes", code="bad_certificate", subject="certificate")
    try:
        pem = data.lstrip().startswith(b"-----BEGIN")
        found = x509.load_pem_x509_certificate(data) if pem else x509.load_der_x509_certificate(data)
        key = _usable(found.public_key())
    except UNREADABLE as error:
        raise InputError("not a certificate in PEM or DER", code="bad_certificate", subject="certificate") from error
    spki = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    der = found.public_bytes(serialization.Encoding.DER)
    return MessageCertificate(sha256(der), spki)


VALID_FOR = timedelta(days=3650)
"""Lifetime of a certificate that only names a key: what ends it is that stations are told another one."""


def self_signed(key: SigningKey, name: str, serial: int, now: datetime) -> bytes:
    """Return a PEM certificate that binds the P-256 `key` to `name`; `serial` is positive and below 2^159."""
    if key.public.algorithm is not Algorithm.ESP256:
        raise InputError("messages are signed with a P-256 key", code="bad_key", subject="key")
    private = serialization.load_pem_private_key(key.to_pem(), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)  # noqa: S101 - what the algorithm says
    called = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    made = (
        x509.CertificateBuilder(called, called, private.public_key(), serial)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + VALID_FOR)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(private, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)
