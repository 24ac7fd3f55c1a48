"""Certificate signing requests (PKCS #10, RFC 2986) as stations send them: what is asked for, and by whose key."""

from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from wattseal.base.errors import InputError
from wattseal.crypto.certificates import UNREADABLE, is_strong, names

MAX_REQUEST_BYTES = 11_000
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey
_HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)


@dataclass(frozen=True, slots=True)
class SigningRequest:
    """A request whose signature is good. `strong` covers its key (RSA from 2048 bits, EC from 256) and its digest."""

    common_names: tuple[str, ...]
    serial_numbers: tuple[str, ...]
    organizations: tuple[str, ...]
    strong: bool
    key: PublicKey = field(repr=False)


def read_request(data: bytes) -> SigningRequest:
    """Parse a request, PEM or DER; `InputError` where it is none, or its key unusable, or its signature not the key's.

    Stations of 1.6 may send the DER in base64 without the PEM lines.
    """
    if len(data) > MAX_REQUEST_BYTES:
        raise InputError("too long for a signing request", code="bad_request", subject="size")
    try:
        request = x509.load_pem_x509_csr(_armoured(data)) if data[:1] != b"\x30" else x509.load_der_x509_csr(data)
        key, good = request.public_key(), request.is_signature_valid
    except UNREADABLE as error:
        raise InputError("not a certificate signing request; send PKCS #10 as PEM", code="bad_request") from error
    if not good:
        raise InputError("the request is not signed by the key it carries", code="bad_request_signature")
    if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        raise InputError("the request's key is neither EC nor RSA", code="bad_request_key")
    long_enough = not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.key_size >= 256
    return SigningRequest(
        common_names=names(request.subject, NameOID.COMMON_NAME),
        serial_numbers=names(request.subject, NameOID.SERIAL_NUMBER),
        organizations=names(request.subject, NameOID.ORGANIZATION_NAME),
        strong=is_strong(key) and long_enough and isinstance(request.signature_hash_algorithm, _HASHES),
        key=key,
    )


def _armoured(data: bytes) -> bytes:
    text = data.strip()
    if text.startswith(b"-----BEGIN"):
        return text
    return b"-----BEGIN CERTIFICATE REQUEST-----\n" + text + b"\n-----END CERTIFICATE REQUEST-----\n"
