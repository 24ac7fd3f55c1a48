"""The files of a data directory's own certificate authority (docs/adr/0015-own-authority.md).

keys/ca.pem, keys/tls-server.pem, keys/tls-server-rsa.pem   private keys, as all others are kept
ca/root.pem                                                the authority's certificate
ca/server.pem, ca/server-rsa.pem                           the CSMS's certificate with its chain
ca/issued/SERIAL.pem                                       every certificate issued
ca/crl.pem                                                 what is revoked
"""

import fcntl
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from wattseal.base.errors import ConfigError, InputError
from wattseal.crypto.authority import SERIAL_BYTES, STATION_DAYS, Authority, load_private_key, new_rsa_key
from wattseal.crypto.certificates import Certificate, read_certificate
from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.crypto.signing_requests import PublicKey
from wattseal.flow.ports import Random
from wattseal.stores.files import write_durably
from wattseal.stores.keyfiles import KeyFiles

KEY, SERVER_KEY, SERVER_RSA_KEY = "ca.pem", "tls-server.pem", "tls-server-rsa.pem"
_SERIAL = re.compile(r"[0-9a-fA-F]{2,40}")
SERVER, SERVER_RSA = "server.pem", "server-rsa.pem"


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate that was issued, and when it was revoked, if it was."""

    certificate: Certificate
    revoked_at: datetime | None = None


class AuthorityFiles:
    """The authority of one data directory; several processes may use it at once."""

    def __init__(self, data: Path) -> None:
        """Touch nothing yet."""
        self._keys = KeyFiles(data / "keys")
        self._folder = data / "ca"
        self.certificate = self._folder / "root.pem"
        self.crl = self._folder / "crl.pem"

    def exists(self) -> bool:
        """Return whether there is an authority."""
        return self.certificate.exists()

    def organization(self) -> str:
        """Return the O of what the authority issues."""
        self._demand()
        return "".join(read_certificate(self.certificate.read_bytes()).organizations)

    def hosts(self) -> tuple[str, ...]:
        """Return the names in the server certificates, which no station may have."""
        held = [x509.load_pem_x509_certificate(path.read_bytes()) for path, _ in self.server_files()]
        return tuple(dict.fromkeys(host for certificate in held for host in _hosts(certificate)))

    def server_files(self) -> tuple[tuple[Path, Path], ...]:
        """Return the server certificates there are, with their keys."""
        pairs = ((SERVER, SERVER_KEY), (SERVER_RSA, SERVER_RSA_KEY))
        return tuple(
            (self._folder / name, self._keys.directory / key) for name, key in pairs if (self._folder / name).exists()
        )

    def make(self, *, name: str, organization: str, now: datetime, random: Random) -> Certificate:
        """Make the authority; one that exists is never replaced (`ConfigError`)."""
        with self._locked():
            if self.exists():
                raise ConfigError(
                    "there is an authority already; it is never replaced", code="exists", subject=str(self.certificate)
                )
            key = self._keys.load_or_create(KEY, lambda: _new_p256(random))
            made = Authority.root(key, name=name, organization=organization, serial=_serial(random), now=now)
            write_durably(self.certificate, _pem(made.certificate))
            self._write_crl(made, (), now)
            return read_certificate(_pem(made.certificate))

    def issue_server(self, hosts: Sequence[str], *, now: datetime, random: Random, rsa: bool = False) -> Certificate:
        """Issue the CSMS's certificate for `hosts`, with the key it has or a new one; it replaces the one before."""
        name, file = (SERVER_RSA_KEY, SERVER_RSA) if rsa else (SERVER_KEY, SERVER)
        with self._locked():
            authority = self._authority()
            key = self._keys.load_or_create(name, new_rsa_key if rsa else lambda: _new_p256(random))
            made = authority.issue_server(load_private_key(key).public_key(), hosts, serial=_serial(random), now=now)
            self._keep(made)
            write_durably(self._folder / file, _pem(made) + _pem(authority.certificate))
            return read_certificate(_pem(made))

    def renew_server(self, *, now: datetime, random: Random, within: timedelta) -> tuple[Path, ...]:
        """Issue server certificates anew that end `within` so long, for the same hosts; return their files."""
        renewed = []
        for path, _ in self.server_files():
            held = x509.load_pem_x509_certificate(path.read_bytes())
            if held.not_valid_after_utc < now + within:
                rsa = path.name == SERVER_RSA
                self.issue_server(_hosts(held), now=now, random=random, rsa=rsa)
                renewed.append(path)
        return tuple(renewed)

    def issue_station(
        self,
        key: PublicKey,
        common_name: str,
        serial_numbers: Sequence[str] = (),
        *,
        now: datetime,
        random: Random,
        days: int = STATION_DAYS,
    ) -> Certificate:
        """Issue a station's certificate and keep it."""
        made = self._authority().issue_station(
            key, common_name, serial_numbers, serial=_serial(random), now=now, days=days
        )
        self._keep(made)
        return read_certificate(_pem(made))

    def revoke(self, serial: str, *, now: datetime) -> Issued:
        """Revoke the certificate with this number (hex) and sign the list anew; `InputError` where none was issued."""
        with self._locked():
            path = self._folder / "issued" / f"{serial.lower()}.pem"
            if not _SERIAL.fullmatch(serial) or not path.exists():
                raise InputError(
                    "this authority issued no certificate of that number; see `wattseal keys ca list`",
                    code="unknown_certificate",
                    subject="serial",
                )
            certificate, revoked = read_certificate(path.read_bytes()), self._revoked()
            if certificate.serial not in revoked:
                revoked[certificate.serial] = now
                self._write_crl(self._authority(), tuple(revoked.items()), now)
            return Issued(certificate, revoked[certificate.serial])

    def renew_crl(self, *, now: datetime) -> Path:
        """Sign the revocation list anew, with the same content."""
        with self._locked():
            self._write_crl(self._authority(), tuple(self._revoked().items()), now)
        return self.crl

    def crl_ends(self) -> datetime:
        """Return until when the revocation list is fresh."""
        listed = self._list()
        ends = None if listed is None else listed.next_update_utc
        return ends or datetime.min.replace(tzinfo=UTC)

    def issued(self) -> tuple[Issued, ...]:
        """Return every certificate issued, in the order of their first days."""
        revoked = self._revoked()
        files = sorted((self._folder / "issued").glob("*.pem"))
        found = [read_certificate(file.read_bytes()) for file in files]
        return tuple(Issued(c, revoked.get(c.serial)) for c in sorted(found, key=lambda c: (c.not_before, c.serial)))

    def with_chain(self, certificate: Certificate) -> bytes:
        """Return a certificate issued here and the root behind it, PEM."""
        self._demand()
        return certificate.pem() + self.certificate.read_bytes()

    def _authority(self) -> Authority:
        self._demand()
        return Authority.load(self.certificate.read_bytes(), self._keys.read(KEY))

    def _demand(self) -> None:
        if not self.exists():
            raise ConfigError(
                "this directory has no certificate authority; make it with `wattseal keys ca init`",
                code="no_authority",
                subject=str(self.certificate),
            )

    def _keep(self, made: x509.Certificate) -> None:
        certificate = read_certificate(_pem(made))
        write_durably(self._folder / "issued" / f"{certificate.serial_hex}.pem", certificate.pem())

    def _list(self) -> x509.CertificateRevocationList | None:
        return x509.load_pem_x509_crl(self.crl.read_bytes()) if self.crl.exists() else None

    def _revoked(self) -> dict[int, datetime]:
        return {entry.serial_number: entry.revocation_date_utc for entry in self._list() or ()}

    def _write_crl(self, authority: Authority, revoked: Sequence[tuple[int, datetime]], now: datetime) -> None:
        before = self._list()
        number = 0 if before is None else before.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
        made = authority.crl(revoked, number=number + 1, now=now)
        write_durably(self.crl, made.public_bytes(serialization.Encoding.PEM))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one process at a time change the authority."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _hosts(certificate: x509.Certificate) -> tuple[str, ...]:
    """Return the names in a server's certificate."""
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return tuple(str(name.value) for name in names)


def _new_p256(random: Random) -> bytes:
    return SigningKey.from_seed(Algorithm.ESP256, random.bytes(32)).to_pem()


def _serial(random: Random) -> int:
    """Return a positive number of 127 random bits (RFC 5280, 4.1.2.2)."""
    return int.from_bytes(random.bytes(SERIAL_BYTES)) >> 1 | 1 << (8 * SERIAL_BYTES - 2)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
