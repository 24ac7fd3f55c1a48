"""OCSP (RFC 6960): questions about certificates known by hashes only, and what answers are worth."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from wattseal.base.errors import InputError
from wattseal.crypto.certificates import UNREADABLE, Certificate

MAX_RESPONSE_BYTES = 16 * 1024
ALGORITHMS = {"SHA256": hashes.SHA256(), "SHA384": hashes.SHA384(), "SHA512": hashes.SHA512()}
"""The digests OCPP names (2.x HashAlgorithmEnumType)."""


@dataclass(frozen=True, slots=True)
class Target:
    """A certificate by the hashes of its issuer's name and key, in hex, and its number in hex."""

    algorithm: str
    issuer_name_hash: str
    issuer_key_hash: str
    serial: str

    @staticmethod
    def of(certificate: x509.Certificate, issuer: x509.Certificate, algorithm: str = "SHA256") -> "Target":
        """Return how OCPP names `certificate`: the serial number without leading zeroes (2.x part 2, 2.6)."""
        return Target(
            algorithm,
            _digest(algorithm, certificate.issuer.public_bytes()).hex(),
            _digest(algorithm, _key_bytes(issuer)).hex(),
            f"{certificate.serial_number:x}",
        )


@dataclass(frozen=True, slots=True)
class Status:
    """What a responder says: Good, Revoked or Unknown, until when, and whether its signature leads to the issuer."""

    status: str
    next_update: datetime | None
    verified: bool


def question_about(certificate: Certificate, issuer: Certificate) -> tuple[Target, str | None]:
    """Return how to ask about a certificate, and the responder it names for itself, if it names one."""
    parsed = certificate.x509()
    try:
        access = parsed.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
        places = [a.access_location for a in access if a.access_method == AuthorityInformationAccessOID.OCSP]
    except (*UNREADABLE, x509.ExtensionNotFound):
        places = []
    url = next((str(place.value) for place in places if isinstance(place, x509.UniformResourceIdentifier)), None)
    return Target.of(parsed, issuer.x509()), url


def is_issued_by(target: Target, issuer: Certificate) -> bool:
    """Return whether the issuer that `target` names by its key is `issuer`; `InputError` for an unknown digest."""
    if target.algorithm not in ALGORITHMS:
        raise InputError("the digest is none of those OCPP names", code="bad_certificate_id", subject="algorithm")
    return _digest(target.algorithm, _key_bytes(issuer.x509())).hex() == target.issuer_key_hash.casefold()


def request_for(target: Target) -> bytes:
    """Return a DER OCSPRequest; `InputError` where the hashes are not of their algorithm."""
    try:
        builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
            bytes.fromhex(target.issuer_name_hash),
            bytes.fromhex(target.issuer_key_hash),
            int(target.serial, 16),
            ALGORITHMS[target.algorithm],
        )
    except (ValueError, TypeError, KeyError) as error:
        raise InputError("the certificate is not named by hashes of its issuer", code="bad_certificate_id") from error
    return builder.build().public_bytes(serialization.Encoding.DER)


def read_response(der: bytes, target: Target, issuers: Iterable[x509.Certificate] = ()) -> Status:
    """Return what a DER OCSPResponse says of `target`; `InputError` where it says nothing of it.

    It is verified by the issuer whose key has the target's hash, found in the response or among `issuers`, or by a
    responder which that issuer certified for OCSP (RFC 6960, 4.2.2.2).
    """
    if len(der) > MAX_RESPONSE_BYTES:
        raise InputError("too long for an OCSP response", code="bad_ocsp", subject="size")
    try:
        response = ocsp.load_der_ocsp_response(der)
        if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            raise InputError("the responder refuses to answer", code="bad_ocsp")
        if response.serial_number != int(target.serial, 16) or response.issuer_key_hash != _asked(response, target):
            raise InputError("the response is about another certificate", code="bad_ocsp")
        verified = _verified(response, target, (*response.certificates, *issuers))
        return Status(response.certificate_status.name.capitalize(), response.next_update_utc, verified)
    except UNREADABLE as error:
        raise InputError("not an OCSP response", code="bad_ocsp") from error


def _asked(response: ocsp.OCSPResponse, target: Target) -> bytes | None:
    """Return the key hash asked for, where the response uses the same digest."""
    named = ALGORITHMS.get(target.algorithm)
    same = named is not None and response.hash_algorithm.name == named.name
    return bytes.fromhex(target.issuer_key_hash) if same else None


def _verified(response: ocsp.OCSPResponse, target: Target, known: tuple[x509.Certificate, ...]) -> bool:
    key_hash = bytes.fromhex(target.issuer_key_hash)
    for issuer in (c for c in known if _digest(target.algorithm, _key_bytes(c)) == key_hash):
        delegates = [c for c in response.certificates if _delegated(c, issuer)]
        if any(_signed_by(response, signer) for signer in (issuer, *delegates)):
            return True
    return False


def _delegated(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (*UNREADABLE, x509.ExtensionNotFound):
        return False
    return ExtendedKeyUsageOID.OCSP_SIGNING in usages


def _signed_by(response: ocsp.OCSPResponse, signer: x509.Certificate) -> bool:
    key, digest = signer.public_key(), response.signature_hash_algorithm
    try:
        if isinstance(key, ec.EllipticCurvePublicKey) and digest is not None:
            key.verify(response.signature, response.tbs_response_bytes, ec.ECDSA(digest))
            return True
        if isinstance(key, rsa.RSAPublicKey) and digest is not None:
            key.verify(response.signature, response.tbs_response_bytes, padding.PKCS1v15(), digest)
            return True
    except InvalidSignature:
        return False
    return False


def _digest(algorithm: str, data: bytes) -> bytes:
    digest = hashes.Hash(ALGORITHMS[algorithm])
    digest.update(data)
    return digest.finalize()


def _key_bytes(certificate: x509.Certificate) -> bytes:
    """Return the public key's BIT STRING without its tag, length and unused bits (RFC 6960, 4.1.1)."""
    key = certificate.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    if isinstance(key, rsa.RSAPublicKey):
        return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
    raise InputError("the issuer's key is neither EC nor RSA", code="bad_key")
