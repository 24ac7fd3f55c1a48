"""Whether a certificate shown is a station's own: security profile 3 (2.0.1 part 2, A00.FR.401 to 429)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from wattseal.crypto.certificates import Certificate, Revocations
from wattseal.crypto.signing_requests import SigningRequest
from wattseal.model.station import Station


class CertificateVerdict(StrEnum):
    """What became of a certificate; everything but GOOD refuses the connection."""

    GOOD = "good"
    UNKNOWN_ISSUER = "unknown_issuer"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    REVOKED = "revoked"
    WEAK = "weak"
    NOT_A_CLIENTS = "not_a_clients"
    ANOTHER_OWNERS = "another_owners"
    ANOTHER_STATIONS = "another_stations"


@dataclass(frozen=True, slots=True)
class StationTrust:
    """Who may issue station certificates, what they have revoked (by fingerprint of the issuer), and for whom.

    A certificate counts when one of `issuers` signed it itself: the list is the allow-list, intermediates named one by
    one. `organization`, where given, is what its O must be (A00.FR.404).
    """

    issuers: tuple[Certificate, ...] = ()
    revocations: Mapping[str, Revocations] = field(default_factory=dict)
    organization: str | None = None

    def issuer_of(self, certificate: Certificate, now: datetime) -> Certificate | None:
        """Return who signed it, where that is a trusted issuer whose own certificate is in force."""
        in_force = (i for i in self.issuers if i.not_before <= now <= i.not_after)
        return next((issuer for issuer in in_force if certificate.issued_by(issuer)), None)


def judge_certificate(
    certificate: Certificate, station: Station, trust: StationTrust, now: datetime
) -> CertificateVerdict:
    """Return whether `certificate` may speak for `station`, and if not the first reason why.

    Path, validity and revocation follow RFC 5280, 6; the owner is A00.FR.404, the station A00.FR.405.
    """
    issuer = trust.issuer_of(certificate, now)
    if issuer is None:
        return CertificateVerdict.UNKNOWN_ISSUER
    if now < certificate.not_before:
        return CertificateVerdict.NOT_YET_VALID
    if now > certificate.not_after:
        return CertificateVerdict.EXPIRED
    revoked = trust.revocations.get(issuer.fingerprint)
    if revoked is not None and certificate.serial in revoked.revoked:
        return CertificateVerdict.REVOKED
    return _judge_content(certificate, station, trust)


def _judge_content(certificate: Certificate, station: Station, trust: StationTrust) -> CertificateVerdict:
    if not certificate.strong:
        return CertificateVerdict.WEAK
    if certificate.is_authority or not certificate.may_be_client:
        return CertificateVerdict.NOT_A_CLIENTS
    if trust.organization is not None and certificate.organizations != (trust.organization,):
        return CertificateVerdict.ANOTHER_OWNERS
    if not names_station(certificate.common_names, certificate.serial_numbers, station):
        return CertificateVerdict.ANOTHER_STATIONS
    return CertificateVerdict.GOOD


def names_station(common_names: tuple[str, ...], serial_numbers: tuple[str, ...], station: Station) -> bool:
    """Return whether a subject names `station`, as a whole and by nothing else: no pattern, no prefix.

    CN or the serialNumber attribute is the station's id or the name enrolled for its certificate; each may be there
    once. What a station tells about itself (its serial number at boot) does not count. Ids that differ in case are one.
    """
    if len(common_names) > 1 or len(serial_numbers) > 1:
        return False
    own = {_folded(station.id)} | ({_folded(station.certificate_name)} if station.certificate_name else set())
    return any(_folded(name) in own for name in (*common_names, *serial_numbers))


def _folded(name: str) -> str:
    """Return a name without case where it is ASCII; others stay as they are: some fold into ASCII letters."""
    return name.lower() if name.isascii() else name


def judge_request(request: SigningRequest, station: Station, organization: str, hosts: Iterable[str]) -> str | None:
    """Return why a station's signing request is refused, None where it may be signed.

    It must name the station and nothing else, so that nobody is certified under another's name (A00.FR.511), its O, if
    it has one, is the CPO's (A00.FR.509), its key is strong, and the name is none of the CSMS's own `hosts`.
    """
    if not request.strong:
        return "the key or its digest is too weak; P-256 or RSA 2048 with SHA-256 at least"
    if len(request.common_names) != 1 or not all(
        names_station((name,), (), station) for name in (*request.common_names, *request.serial_numbers)
    ):
        return "the CN is not the station's id or enrolled certificate name"
    if request.organizations and request.organizations != (organization,):
        return "the O is not the operator's"
    if request.common_names[0].casefold() in {host.casefold() for host in hosts}:
        return "the CN is a name of the CSMS"
    return None
