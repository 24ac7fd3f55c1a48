"""X.509 certificates and revocation lists: read within limits, and what they state as plain values.

What is accepted follows OCPP 2.0.1 part 2, 1.4.1 (A00.FR.501 to 514) and the 1.6 security whitepaper, 2.6.1: EC keys
from 224 bits, RSA from 2048, SHA-2 signatures.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from wattseal.base.errors import InputError
from wattseal.crypto.hashes import sha256

MAX_CERTIFICATE_BYTES = 32 * 1024
MAX_BUNDLE_BYTES = 1024 * 1024
MAX_CRL_BYTES = 16 * 1024 * 1024
MIN_RSA_BITS, MIN_EC_BITS = 2048, 224
UNREADABLE = (
    ValueError,
    TypeError,
    InvalidSignature,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
    CryptographyDeprecationWarning,
)
"""What the library raises at bytes that are no certificate, list or request, or one that it cannot judge.

Among them, where warnings are made errors, its warning of what it will not read for long.
"""
_HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate states. Names are those of its subject, in its order; `serial` is its own number.

    `issuer` is a distinguished name as RFC 4514 writes it; nothing here is verified by itself.
    """

    der: bytes = field(repr=False)
    common_names: tuple[str, ...]
    serial_numbers: tuple[str, ...]
    organizations: tuple[str, ...]
    issuer: str
    serial: int
    not_before: datetime
    not_after: datetime
    is_authority: bool
    may_be_client: bool
    strong: bool
    _x509: x509.Certificate = field(repr=False, compare=False)

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the DER in hex."""
        return sha256(self.der).hex()

    @property
    def serial_hex(self) -> str:
        """The certificate's serial number as even-length lower-case hex."""
        return serial_hex(self.serial)

    def issued_by(self, issuer: "Certificate") -> bool:
        """Return whether `issuer` itself signed this: its name is the issuer's and its key verifies the signature."""
        try:
            self._x509.verify_directly_issued_by(issuer._x509)  # noqa: SLF001 - same class
        except UNREADABLE:
            return False
        return True

    def x509(self) -> x509.Certificate:
        """Return it as the library's own."""
        return self._x509

    def pem(self) -> bytes:
        """Return the certificate as PEM."""
        return self._x509.public_bytes(serialization.Encoding.PEM)


@dataclass(frozen=True, slots=True)
class Revocations:
    """A revocation list whose issuer signed it: the numbers it revokes, and until when it is fresh (None: for good)."""

    revoked: frozenset[int]
    next_update: datetime | None


def serial_hex(serial: int) -> str:
    """Return a certificate's number as even-length lower-case hex."""
    return serial.to_bytes(max(1, (serial.bit_length() + 7) // 8)).hex() if serial >= 0 else f"-{-serial:x}"


def read_certificate(data: bytes) -> Certificate:
    """Parse one certificate, PEM or DER; `InputError` where it is none or larger than 32 KiB."""
    if len(data) > MAX_CERTIFICATE_BYTES:
        raise InputError("too long for a certificate", code="bad_certificate", subject="size")
    try:
        parsed = (
            x509.load_pem_x509_certificate(data) if b"-----BEGIN" in data[:64] else x509.load_der_x509_certificate(data)
        )
        return _facts(parsed)
    except UNREADABLE as error:
        raise InputError("not an X.509 certificate; give it as PEM", code="bad_certificate") from error


def read_bundle(data: bytes) -> tuple[Certificate, ...]:
    """Parse the certificates of a PEM file, at least one; `InputError` where there is none or one cannot be read."""
    if len(data) > MAX_BUNDLE_BYTES:
        raise InputError("too long for a file of certificates", code="bad_certificate", subject="size")
    try:
        return tuple(_facts(parsed) for parsed in x509.load_pem_x509_certificates(data))
    except UNREADABLE as error:
        raise InputError("not a file of PEM certificates", code="bad_certificate") from error


def read_crl(data: bytes, issuers: Iterable[Certificate]) -> tuple[Certificate, Revocations]:
    """Parse a revocation list, PEM or DER, and return which of `issuers` signed it and what it says.

    `InputError` where it is none, or signed by nobody of them.
    """
    if len(data) > MAX_CRL_BYTES:
        raise InputError("too long for a revocation list", code="bad_crl", subject="size")
    try:
        crl = x509.load_pem_x509_crl(data) if b"-----BEGIN" in data[:64] else x509.load_der_x509_crl(data)
        for issuer in issuers:
            certificate = issuer._x509  # noqa: SLF001 - same file
            if crl.issuer == certificate.subject and crl.is_signature_valid(certificate.public_key()):  # type: ignore[arg-type]
                return issuer, Revocations(frozenset(entry.serial_number for entry in crl), crl.next_update_utc)
    except UNREADABLE as error:
        raise InputError("not an X.509 revocation list; give it as PEM", code="bad_crl") from error
    raise InputError("the revocation list is signed by no issuer that is trusted", code="bad_crl")


def is_strong(key: object) -> bool:
    """Return whether a public key is one to rely on: RSA from 2048 bits, a curve from 224 bits, Ed25519."""
    match key:
        case rsa.RSAPublicKey():
            return key.key_size >= MIN_RSA_BITS
        case ec.EllipticCurvePublicKey():
            return key.curve.key_size >= MIN_EC_BITS
        case _:
            return isinstance(key, ed25519.Ed25519PublicKey)


def names(subject: x509.Name, oid: x509.ObjectIdentifier) -> tuple[str, ...]:
    """Return the text values of one attribute of a name."""
    return tuple(str(attribute.value) for attribute in subject.get_attributes_for_oid(oid))


def _facts(parsed: x509.Certificate) -> Certificate:
    digest = parsed.signature_hash_algorithm
    der = parsed.public_bytes(serialization.Encoding.DER)
    if not der.endswith(b"\0" + parsed.signature):
        raise ValueError("a signature of bits that are no bytes")
    return Certificate(
        der=der,
        common_names=names(parsed.subject, NameOID.COMMON_NAME),
        serial_numbers=names(parsed.subject, NameOID.SERIAL_NUMBER),
        organizations=names(parsed.subject, NameOID.ORGANIZATION_NAME),
        issuer=parsed.issuer.rfc4514_string(),
        serial=parsed.serial_number,
        not_before=parsed.not_valid_before_utc,
        not_after=parsed.not_valid_after_utc,
        is_authority=_is_authority(parsed.extensions),
        may_be_client=_may_be_client(parsed.extensions),
        strong=is_strong(parsed.public_key()) and (digest is None or isinstance(digest, _HASHES)),
        _x509=parsed,
    )


def _is_authority(extensions: x509.Extensions) -> bool:
    found = {extension.oid: extension.value for extension in extensions}
    basic, usage = found.get(x509.BasicConstraints.oid), found.get(x509.KeyUsage.oid)
    signs = not isinstance(usage, x509.KeyUsage) or usage.key_cert_sign
    return isinstance(basic, x509.BasicConstraints) and basic.ca and signs


def _may_be_client(extensions: x509.Extensions) -> bool:
    try:
        usages = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return any(u in usages for u in (ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE))
