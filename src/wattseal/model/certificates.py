"""Certificates between a station and the CSMS: what is asked, answered and ordered, in 2.x words (blocks A and M)."""

from dataclasses import dataclass, field
from datetime import datetime

from wattseal.model.message import Answer, Command, Fact

STATION_USE = "ChargingStationCertificate"
"""The use of a certificate with which a station shows the CSMS who it is; 1.6 knows no other."""
CSMS_ROOT = "CSMSRootCertificate"
"""The use of a root under which a station believes the CSMS (1.6: CentralSystemRootCertificate)."""


@dataclass(frozen=True, slots=True)
class CertificateId:
    """A certificate by its issuer's hashes and its number, all in hex as told (2.x CertificateHashDataType)."""

    algorithm: str
    issuer_name_hash: str
    issuer_key_hash: str
    serial: str


@dataclass(frozen=True, slots=True)
class SigningRequested(Fact):
    """A station wants its key certified (2.x A02, A03). `csr` as sent; `use` None where it was left out."""

    csr: str = field(repr=False)
    use: str | None = None
    request_id: int | None = None
    root: CertificateId | None = None


@dataclass(frozen=True, slots=True)
class StatusAsked(Fact):
    """A station asks whether a certificate is revoked, by OCSP at `url` (2.x M06)."""

    certificate: CertificateId
    url: str


@dataclass(frozen=True, slots=True)
class OcspAnswer(Answer):
    """The responder's answer, DER in base64, with status Accepted; or Failed and why."""

    status: str
    result: str | None = None
    reason: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class StatusQuestion:
    """One certificate of a chain: where its status can be had, `source` "OCSP" or "CRL"."""

    certificate: CertificateId
    source: str
    urls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChainStatusAsked(Fact):
    """A station asks after the certificates of a chain (2.1 M07)."""

    questions: tuple[StatusQuestion, ...]


@dataclass(frozen=True, slots=True)
class CertificateStatus:
    """Good, Revoked, Unknown or Failed, and until when that may be kept."""

    certificate: CertificateId
    source: str
    status: str
    next_update: datetime


@dataclass(frozen=True, slots=True)
class ChainStatusAnswer(Answer):
    """One status for each question, in their order."""

    statuses: tuple[CertificateStatus, ...]


@dataclass(frozen=True, slots=True)
class ContractAsked(Fact):
    """An EV wants a contract certificate installed or updated (2.x M01, M02); `exi` is its request in base64."""

    schema_version: str
    action: str
    exi: str = field(repr=False)
    most_chains: int | None = None
    emaids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ContractAnswer(Answer):
    """The answer for the EV, EXI in base64, with status Accepted; or Failed and why."""

    status: str
    exi: str = field(default="", repr=False)
    remaining: int | None = None
    reason: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class CertificateDelivered(Command):
    """Take your signed certificate: PEM, the station's own first (2.x A02, A03)."""

    chain: str = field(repr=False)
    use: str | None = None
    request_id: int | None = None


@dataclass(frozen=True, slots=True)
class RootInstalled(Command):
    """Take a root into your trust store, PEM (2.x M05)."""

    use: str
    certificate: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CertificateDeleted(Command):
    """Delete a certificate (2.x M04)."""

    certificate: CertificateId


@dataclass(frozen=True, slots=True)
class CertificatesListed(Command):
    """Say which certificates are installed, of some uses or all (2.x M03; 1.6 asks after one use)."""

    uses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InstalledCertificate:
    """A certificate in a station, with those that hang below it (2.x CertificateHashDataChainType)."""

    use: str
    certificate: CertificateId
    children: tuple[CertificateId, ...] = ()


@dataclass(frozen=True, slots=True)
class InstalledAnswer(Answer):
    """What is installed; status NotFound where nothing is. 1.6 does not repeat the use."""

    status: str
    found: tuple[InstalledCertificate, ...] = ()
    reason: str | None = None
    detail: str | None = None
