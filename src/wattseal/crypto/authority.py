"""A small certificate authority: one P-256 key that signs servers, stations and the list of what it revoked.

Certificates follow OCPP 2.0.1 part 2, 1.4.1: X.509 v3, SHA-256, O and CN in the subject, key usage, no extended key
usage (A00.FR.505 to 514). Times and serial numbers are passed in.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from wattseal.base.errors import InputError

ROOT_DAYS, SERVER_DAYS, STATION_DAYS, CRL_DAYS = 7300, 397, 397, 30
"""How long things last: a server's certificate is to expire fast (A00.FR.701), the root outlives its stations."""
SERIAL_BYTES = 16
BACKDATED = timedelta(minutes=10)
"""So much earlier a certificate begins: a station whose clock is a little slow can use it at once."""
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate that may issue others, and its key; neither repr nor errors show the key."""

    certificate: x509.Certificate = field(repr=False)
    _key: PrivateKey = field(repr=False)

    @staticmethod
    def load(certificate_pem: bytes, key_pem: bytes) -> "Authority":
        """Load both; `InputError` where they are unusable, not a pair, or the certificate may not issue others."""
        certificate, key = x509.load_pem_x509_certificate(certificate_pem), load_private_key(key_pem)
        if key.public_key() != certificate.public_key():
            raise InputError("the authority's key is not that of its certificate", code="bad_authority")
        return Authority(certificate, key)

    @staticmethod
    def root(key_pem: bytes, *, name: str, organization: str, serial: int, now: datetime) -> "Authority":
        """Make a root that signs itself and may issue end certificates only."""
        key = load_private_key(key_pem)
        subject = _subject(name, organization)
        builder = (
            _builder(subject, subject, key.public_key(), serial=serial, now=now, days=ROOT_DAYS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )
        return Authority(builder.sign(key, hashes.SHA256()), key)

    @property
    def organization(self) -> str:
        """The O of the authority, which it puts into what it issues."""
        found = self.certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        return str(found[0].value) if found else ""

    def issue_server(self, key: PublicKey, hosts: Sequence[str], *, serial: int, now: datetime) -> x509.Certificate:
        """Issue a server's certificate: CN is the first host (A00.FR.510), all are in subjectAltName."""
        alternatives = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
        builder = self._builder(key, hosts[0], (), serial=serial, now=now, days=SERVER_DAYS)
        return self._sign(builder.add_extension(alternatives, critical=False), now)

    def issue_station(
        self,
        key: PublicKey,
        common_name: str,
        serial_numbers: Iterable[str] = (),
        *,
        serial: int,
        now: datetime,
        days: int = STATION_DAYS,
    ) -> x509.Certificate:
        """Issue a station's certificate: CN is what the station is called (A00.FR.511), O ours (A00.FR.509)."""
        return self._sign(self._builder(key, common_name, serial_numbers, serial=serial, now=now, days=days), now)

    def crl(
        self, revoked: Iterable[tuple[int, datetime]], *, number: int, now: datetime, days: int = CRL_DAYS
    ) -> x509.CertificateRevocationList:
        """Sign the list of revoked numbers with the times of their revocation."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(now.replace(microsecond=0))
            .next_update(now.replace(microsecond=0) + timedelta(days=days))
            .add_extension(x509.CRLNumber(number), critical=False)
            .add_extension(self._authority_key(), critical=False)
        )
        for serial, at in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at.replace(microsecond=0))
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(self._key, hashes.SHA256())

    def _builder(
        self, key: PublicKey, name: str, serial_numbers: Iterable[str], *, serial: int, now: datetime, days: int
    ) -> x509.CertificateBuilder:
        subject = _subject(name, self.organization, serial_numbers)
        return (
            _builder(subject, self.certificate.subject, key, serial=serial, now=now, days=days)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False, enciphers=isinstance(key, rsa.RSAPublicKey)), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(self._authority_key(), critical=False)
        )

    def _sign(self, builder: x509.CertificateBuilder, now: datetime) -> x509.Certificate:
        certificate = builder.sign(self._key, hashes.SHA256())
        if not self.certificate.not_valid_before_utc <= now <= self.certificate.not_valid_after_utc:
            raise InputError("the authority's own certificate is not in force", code="authority_expired")
        return certificate

    def _authority_key(self) -> x509.AuthorityKeyIdentifier:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())


def new_rsa_key() -> bytes:
    """Return a new RSA key of 3072 bits as unencrypted PKCS #8 PEM."""
    return private_pem(rsa.generate_private_key(public_exponent=65537, key_size=3072))


def load_private_key(pem: bytes) -> PrivateKey:
    """Load an unencrypted EC or RSA key; `InputError` where it is none."""
    try:
        key = serialization.load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InputError("not an unencrypted PKCS #8 private key", code="bad_key", subject="pem") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise InputError("the key is neither EC nor RSA", code="bad_key", subject="pem")
    return key


def private_pem(key: PrivateKey) -> bytes:
    """Return a key as unencrypted PKCS #8 PEM, for a file that only its owner may read."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _subject(name: str, organization: str, serial_numbers: Iterable[str] = ()) -> x509.Name:
    try:
        attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)] if organization else []
        attributes += [x509.NameAttribute(NameOID.COMMON_NAME, name)]
        attributes += [x509.NameAttribute(NameOID.SERIAL_NUMBER, text) for text in serial_numbers]
    except ValueError as error:
        raise InputError("CN, O and serialNumber have 1 to 64 characters", code="bad_name") from error
    return x509.Name(attributes)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: PublicKey, *, serial: int, now: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(serial)
        .not_valid_before(now.replace(microsecond=0) - BACKDATED)
        .not_valid_after(now.replace(microsecond=0) + timedelta(days=days))
    )


def _usage(*, signs: bool, enciphers: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=enciphers,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        return x509.DNSName(host)
    except ValueError as error:
        raise InputError("a host is a DNS name or an IP address", code="bad_host", subject="host") from error
