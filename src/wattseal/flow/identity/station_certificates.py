"""The certificates with which stations show who they are: requests to sign one, and which each of them uses.

A request is checked and answered at once; signing and delivering are `flow.certificate_delivery`'s part (2.x A02, A03).
"""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum

from wattseal.base.errors import InputError
from wattseal.crypto.certificates import Certificate, read_certificate
from wattseal.crypto.signing_requests import read_request
from wattseal.flow.alarms import raised
from wattseal.flow.documents import put, read
from wattseal.flow.orders import Answered, Effects
from wattseal.flow.ports import Batch, Put
from wattseal.flow.turn import Handlers, Turn
from wattseal.flow.world import World
from wattseal.model.alarm import Alarm
from wattseal.model.certificates import STATION_USE, CertificateDelivered, SigningRequested
from wattseal.model.remote import Responded
from wattseal.rules.pki import judge_request

REQUEST, OWN = "signing_request", "station_certificate"
"""Kinds of documents: the latest request of a station for a use, active while it waits; the certificate it uses."""
HOUR_MS, MAX_AN_HOUR = 3_600_000, 10
"""Requests taken from a station for one use within an hour; stations that retry double their pause (A02.FR.18)."""


class Progress(StrEnum):
    """Where a request stands: WAITING to be signed and delivered, or what came of it."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class SigningState:
    """Document: a station's latest request for one use. `chain` is what was signed, `asked_ms` when it asked lately."""

    station_id: str
    use: str | None
    request_id: int | None
    csr: str = field(repr=False)
    progress: Progress
    at_ms: int
    asked_ms: tuple[int, ...] = ()
    chain: str = ""
    reason: str = ""

    @property
    def key(self) -> str:
        """The document's key."""
        return own_key(self.station_id, self.use)

    def waits_for(self, csr: str) -> bool:
        """Return whether this very request waits: a station that hears nothing sends it again (A02.FR.17)."""
        return self.progress is Progress.WAITING and self.csr == csr

    def put(self, now_ms: int) -> Put:
        """Return the document to write."""
        waits = self.progress is Progress.WAITING
        return put(REQUEST, self.key, self, now_ms, station_id=self.station_id, active=waits)


@dataclass(frozen=True, slots=True)
class StationCertificate:
    """Document: the certificate a station uses, by what it was last seen with or last accepted.

    `serial` and `fingerprint` are hex; `triggered_ms` is when it was last asked to renew it.
    """

    station_id: str
    use: str
    serial: str
    fingerprint: str
    not_after_ms: int
    triggered_ms: int = 0

    @property
    def not_after(self) -> datetime:
        """When it ends."""
        return datetime.fromtimestamp(self.not_after_ms / 1000, UTC)

    def put(self, now_ms: int) -> Put:
        """Return the document to write."""
        return put(OWN, own_key(self.station_id, self.use), self, now_ms, station_id=self.station_id)


def own_key(station_id: str, use: str | None) -> str:
    """Return the key of a station's documents about one use."""
    return f"{station_id.casefold()}/{use or STATION_USE}"


async def _sign(turn: Turn, fact: SigningRequested) -> Responded:
    """Take a request, or say why not (A02.FR.11, 12); signing comes after the answer."""
    world, station = turn.world, turn.station
    document = await world.journal.document(world.tenant, REQUEST, own_key(station.id, fact.use))
    before = None if document is None else read(document, SigningState)
    lately = tuple(ms for ms in before.asked_ms if ms > turn.now_ms - HOUR_MS) if before else ()
    if len(lately) >= MAX_AN_HOUR:
        world.count("signing_request_too_often")
        return Responded("Rejected", "InvalidMessageSeq", "too many requests; wait an hour")
    refusal = _refusal(turn, fact)
    state = SigningState(
        station_id=station.id,
        use=fact.use,
        request_id=fact.request_id,
        csr=fact.csr,
        progress=Progress.WAITING if refusal is None else Progress.FAILED,
        at_ms=turn.now_ms,
        asked_ms=(*lately, turn.now_ms),
        chain=before.chain if before is not None and before.waits_for(fact.csr) else "",
        reason="" if refusal is None else refusal.detail or "",
    )
    step = turn.step()
    step.puts.append(state.put(turn.now_ms))
    if refusal is not None:
        step.puts.append(alarm(turn.world, "signing_request_refused", station.id, turn.now_ms, state.reason))
    await step.commit()
    return refusal or Responded("Accepted")


def _refusal(turn: Turn, fact: SigningRequested) -> Responded | None:
    authority = turn.world.authority
    if authority is None:
        return Responded("Rejected", "NotEnabled", "there is no certificate authority here")
    if turn.station.password_digest is None and turn.station.security_profile < 3:
        return Responded("Rejected", "NotEnabled", "a station that proves nothing is not certified over OCPP")
    try:
        request = read_request(fact.csr.encode())
    except InputError as error:
        return Responded("Rejected", "InvalidCSR", str(error))
    why = judge_request(request, turn.station, authority.organization, authority.hosts)
    return None if why is None else Responded("Rejected", "InvalidCSR", why)


def alarm(world: World, code: str, station_id: str, now_ms: int, detail: str) -> Put:
    """Return an alarm about a station's certificate."""
    return raised(world, Alarm(code, station_id, now_ms, detail=detail[:255]))[1]


async def _delivered(answered: Answered, command: CertificateDelivered, answer: Responded) -> None:
    """Keep which certificate a station has accepted, whoever had it sent."""
    if answer.status != "Accepted":
        return
    with suppress(InputError):
        kept = delivered(answered.station_id, command.chain, command.use)
        answered.step.puts.append(kept.put(answered.step.now_ms))


def delivered(station_id: str, chain: str, use: str | None) -> StationCertificate:
    """Return the document about a certificate that a station has accepted; `InputError` for a chain that is none."""
    return uses(station_id, read_certificate(_first(chain)), use)


def _first(chain: str) -> bytes:
    """Return the first certificate of a PEM chain."""
    end = "-----END CERTIFICATE-----"
    return (chain.partition(end)[0] + end).encode()


def uses(station_id: str, certificate: Certificate, use: str | None = None) -> StationCertificate:
    """Return the document that says that a station uses this certificate."""
    ends_ms = int(certificate.not_after.timestamp() * 1000)
    return StationCertificate(station_id, use or STATION_USE, certificate.serial_hex, certificate.fingerprint, ends_ms)


async def notice_certificate(world: World, station_id: str, certificate: Certificate) -> None:
    """Keep which certificate a station came with, where that is news."""
    document = await world.journal.document(world.tenant, OWN, own_key(station_id, None))
    if document is not None and read(document, StationCertificate).fingerprint == certificate.fingerprint:
        return
    now_ms = world.now_ms()
    await world.journal.commit(Batch(world.tenant, puts=(uses(station_id, certificate).put(now_ms),)))


def progressed(state: SigningState, progress: Progress, reason: str = "") -> SigningState:
    """Return a request as it stands now."""
    return replace(state, progress=progress, reason=reason)


HANDLERS: Handlers = {SigningRequested: _sign}
EFFECTS: Effects = {CertificateDelivered: _delivered}
