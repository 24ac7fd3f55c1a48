"""Certificates for tests, good and bad, and the client's side of TLS."""

import datetime as dt
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
DAY = dt.timedelta(days=1)
NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)


def new_key(curve: ec.EllipticCurve | None = None) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(curve or ec.SECP256R1())


def subject(name: str | None, organization: str | None = "CPO", serial_number: str | None = None) -> x509.Name:
    pairs = (
        (NameOID.ORGANIZATION_NAME, organization),
        (NameOID.COMMON_NAME, name),
        (NameOID.SERIAL_NUMBER, serial_number),
    )
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in pairs if text is not None])


@dataclass
class Ca:
    """An authority of a test's own."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @staticmethod
    def make(name: str = "Test CA", above: "Ca | None" = None) -> "Ca":
        key = new_key()
        issuer = above or Ca(None, key)  # type: ignore[arg-type] # signs itself
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject(name))
            .issuer_name(subject(name) if above is None else above.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - DAY)
            .not_valid_after(NOW + 3650 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        )
        return Ca(builder.sign(issuer.key, hashes.SHA256()), key)

    def issue(
        self,
        name: x509.Name | str,
        *,
        key: Key | None = None,
        hosts: tuple[str, ...] = (),
        valid: tuple[dt.datetime, dt.datetime] = (NOW - DAY, NOW + 30 * DAY),
        extensions: tuple[x509.ExtensionType, ...] = (),
    ) -> "Leaf":
        key = key or new_key()
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject(name) if isinstance(name, str) else name)
            .issuer_name(self.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(valid[0])
            .not_valid_after(valid[1])
        )
        if hosts:
            names = [x509.IPAddress(ipaddress.ip_address(host)) for host in hosts]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return Leaf(builder.sign(self.key, hashes.SHA256()), key)

    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def crl(self, *revoked: "Leaf") -> bytes:
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(NOW - DAY)
            .next_update(NOW + DAY)
        )
        for leaf in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(leaf.certificate.serial_number)
            builder = builder.add_revoked_certificate(entry.revocation_date(NOW - DAY).build())
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@dataclass
class Leaf:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def write(self, folder: Path, name: str, *chain: bytes) -> tuple[Path, Path]:
        """Write NAME.pem with the chain behind it, and NAME.key."""
        certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
        certificate.write_bytes(b"".join((self.pem(), *chain)))
        key.write_bytes(
            self.key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        key.chmod(0o600)
        return certificate, key


def csr(name: x509.Name | str, key: Key | None = None, digest: hashes.HashAlgorithm | None = None) -> bytes:
    """Return a signing request, PEM."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject(name) if isinstance(name, str) else name)
    request = builder.sign(key or new_key(), digest or hashes.SHA256())  # type: ignore[arg-type]
    return request.public_bytes(serialization.Encoding.PEM)


def client_tls(root: Path | bytes, identity: tuple[Path, Path] | None = None) -> ssl.SSLContext:
    """Return what a station dials with: the root it trusts, and its own certificate, if it has one."""
    text = root if isinstance(root, bytes) else root.read_bytes()
    context = ssl.create_default_context(cadata=text.decode())
    if identity is not None:
        context.load_cert_chain(*identity)
    return context
