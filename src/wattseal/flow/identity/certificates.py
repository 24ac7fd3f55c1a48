"""Certificates that live in stations and cars: what is installed, whether it is revoked, contracts of EVs (block M)."""

import base64
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cryptography import x509

from wattseal.base.errors import InputError
from wattseal.crypto.certificates import UNREADABLE
from wattseal.crypto.ocsp import Status, Target, read_response, request_for
from wattseal.flow.documents import put, read
from wattseal.flow.identity import station_certificates
from wattseal.flow.orders import Answered, Effects
from wattseal.flow.turn import Handlers, Turn
from wattseal.model.certificates import (
    CertificateDeleted,
    CertificateId,
    CertificatesListed,
    CertificateStatus,
    ChainStatusAnswer,
    ChainStatusAsked,
    ContractAnswer,
    ContractAsked,
    InstalledAnswer,
    InstalledCertificate,
    OcspAnswer,
    RootInstalled,
    StatusAsked,
    StatusQuestion,
)
from wattseal.model.remote import Responded

INSTALLED = "installed_certificates"
"""Document kind: what is installed in a station, as far as it is known."""
MAX_INSTALLED = 256
"""Certificates kept per station; the oldest goes."""
MAX_RESULT = 5500
"""Longest ocspResult of 2.0.1, in characters; what is longer cannot be passed on."""
ASK_AGAIN = timedelta(minutes=5)
"""How long a status that could not be had may be kept (2.1 `nextUpdate`)."""
KEPT_FOR = timedelta(days=7)
"""Where a responder names no next update: stations ask once a week (M06.FR.10)."""


@dataclass(frozen=True, slots=True)
class Installed:
    """Document: the certificates of a station; `listed_ms` is when the station last told them itself."""

    station_id: str
    certificates: tuple[InstalledCertificate, ...] = ()
    listed_ms: int | None = None


async def _of(answered: Answered) -> Installed:
    world = answered.world
    document = await world.journal.document(world.tenant, INSTALLED, answered.station_id.casefold())
    return Installed(answered.station_id) if document is None else read(document, Installed)


def _keep(answered: Answered, installed: Installed) -> None:
    kept = replace(installed, certificates=installed.certificates[-MAX_INSTALLED:])
    key, now_ms = answered.station_id.casefold(), answered.step.now_ms
    answered.step.puts.append(put(INSTALLED, key, kept, now_ms, station_id=answered.station_id))


async def _installed(answered: Answered, command: RootInstalled, answer: Responded) -> None:
    if answer.status != "Accepted":
        return
    try:
        named = identify(command.certificate)
    except InputError:
        return
    before = await _of(answered)
    others = tuple(c for c in before.certificates if (c.use, c.certificate) != (command.use, named))
    _keep(answered, replace(before, certificates=(*others, InstalledCertificate(command.use, named))))


def identify(pem: str) -> CertificateId:
    """Return how OCPP names a root, with SHA-256; `InputError` where it is none."""
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        target = Target.of(certificate, certificate)
    except UNREADABLE as error:
        raise InputError("not an X.509 certificate; give it as PEM", code="bad_certificate") from error
    return CertificateId(target.algorithm, target.issuer_name_hash, target.issuer_key_hash, target.serial)


async def _deleted(answered: Answered, command: CertificateDeleted, answer: Responded) -> None:
    if answer.status not in {"Accepted", "NotFound"}:
        return
    before = await _of(answered)
    _keep(
        answered,
        replace(before, certificates=tuple(c for c in before.certificates if c.certificate != command.certificate)),
    )


async def _listed(answered: Answered, command: CertificatesListed, answer: InstalledAnswer) -> None:
    """Take a station's own list in place of what was known of the uses asked after."""
    if answer.status not in {"Accepted", "NotFound"}:
        return
    asked = set(command.uses)
    before = await _of(answered)
    others = tuple(c for c in before.certificates if asked and c.use not in asked)
    found = tuple(replace(c, use=c.use or next(iter(asked), "")) for c in answer.found)
    _keep(answered, replace(before, certificates=(*others, *found), listed_ms=answered.step.now_ms))


async def _status(turn: Turn, fact: StatusAsked) -> OcspAnswer:
    """Ask the responder and pass its answer on (M06.FR.01 to 09); the station judges it."""
    try:
        der = await _ask(turn, _target(fact.certificate), fact.url)
    except InputError as error:
        return OcspAnswer("Failed", reason="InvalidValue", detail=str(error))
    if der is None:
        return OcspAnswer("Failed", reason="NotEnabled", detail="the responder is not on the list, or did not answer")
    result = base64.b64encode(der).decode("ascii")
    if len(result) > MAX_RESULT:
        return OcspAnswer("Failed", reason="TooLargeElement", detail="the responder's answer is too long")
    return OcspAnswer("Accepted", result)


async def _ask(turn: Turn, target: Target, url: str) -> bytes | None:
    """Return a responder's answer about `target`, None where there is none; `InputError` where it is about others."""
    responders = turn.world.responders
    der = None if responders is None else await responders.ask(url, request_for(target))
    if der is not None:
        read_response(der, target)
    return der


async def _chain_status(turn: Turn, fact: ChainStatusAsked) -> ChainStatusAnswer:
    """Say of each certificate what its responder proves; what nobody proves is Failed (2.1 M07)."""
    return ChainStatusAnswer(tuple([await _one_status(turn, question) for question in fact.questions]))


async def _one_status(turn: Turn, question: StatusQuestion) -> CertificateStatus:
    now, target = turn.world.clock.now(), _target(question.certificate)
    for url in question.urls if question.source == "OCSP" else ():
        try:
            der = await _ask(turn, target, url)
            told = None if der is None else read_response(der, target)
        except InputError:
            continue
        if told is not None and told.verified:
            return CertificateStatus(question.certificate, question.source, told.status, _until(told, now))
    return CertificateStatus(question.certificate, question.source, "Failed", now + ASK_AGAIN)


def _until(told: Status, now: datetime) -> datetime:
    return now + KEPT_FOR if told.next_update is None else told.next_update


def _target(named: CertificateId) -> Target:
    return Target(named.algorithm, named.issuer_name_hash, named.issuer_key_hash, named.serial)


async def _contract(_turn: Turn, _fact: ContractAsked) -> ContractAnswer:
    """Answer that no contract pool is connected (M01, M02): the station tells the EV at once."""
    return ContractAnswer("Failed", reason="NotEnabled", detail="no contract certificate pool is connected")


HANDLERS: Handlers = {
    ChainStatusAsked: _chain_status,
    ContractAsked: _contract,
    StatusAsked: _status,
    **station_certificates.HANDLERS,
}
EFFECTS: Effects = {
    CertificateDeleted: _deleted,
    CertificatesListed: _listed,
    RootInstalled: _installed,
    **station_certificates.EFFECTS,
}
