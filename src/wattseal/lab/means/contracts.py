"""A small Plug and Charge PKI: who issues contract certificates, and a responder that says what it is told to say."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Holder:
    """A certificate and its key: an issuer's or a contract's."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> str:
        """The certificate in PEM."""
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @staticmethod
    def root(name: str, now: datetime) -> "Holder":
        """Make an issuer that signs itself."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(name, name, key, now - DAY, now + 3650 * DAY)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        return Holder(builder.sign(key, hashes.SHA256()), key)

    def contract(self, emaid: str, url: str, begins: datetime, ends: datetime) -> "Holder":
        """Issue a contract certificate whose responder is at `url`."""
        key = ec.generate_private_key(ec.SECP256R1())
        place = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(url))
        issuer = self.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
        builder = _builder(emaid, str(issuer), key, begins, ends)
        builder = builder.add_extension(x509.AuthorityInformationAccess([place]), critical=False)
        return Holder(builder.sign(self.key, hashes.SHA256()), key)


@dataclass(slots=True)
class Responder:
    """Answers for one issuer, signed by `signer`; `revoked` are certificates' numbers, `reachable` whether it answers.

    What it says was true at `at` and holds for a day.
    """

    issuer: Holder
    signer: Holder
    at: datetime
    issued: dict[int, Holder] = field(default_factory=dict)
    revoked: set[int] = field(default_factory=set)
    reachable: bool = True

    async def ask(self, url: str, request: bytes) -> bytes | None:
        """Answer a question as a responder on the CPO's list does."""
        del url
        number = ocsp.load_der_ocsp_request(request).serial_number
        if not self.reachable or number not in self.issued:
            return None
        revoked = number in self.revoked
        builder = ocsp.OCSPResponseBuilder().add_response(
            cert=self.issued[number].certificate,
            issuer=self.issuer.certificate,
            algorithm=hashes.SHA256(),
            cert_status=ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD,
            this_update=self.at,
            next_update=self.at + DAY,
            revocation_time=self.at - DAY if revoked else None,
            revocation_reason=x509.ReasonFlags.key_compromise if revoked else None,
        )
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, self.signer.certificate)
        builder = builder.certificates([self.signer.certificate])
        return builder.sign(self.signer.key, hashes.SHA256()).public_bytes(Encoding.DER)


def _builder(
    name: str, issuer: str, key: ec.EllipticCurvePrivateKey, begins: datetime, ends: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
    )
