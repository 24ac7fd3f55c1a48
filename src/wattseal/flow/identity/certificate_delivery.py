"""Signing what stations asked for, delivering it, and asking for renewal in time (2.x A02, A03)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from wattseal.base.errors import StoreError, WattsealError
from wattseal.base.ids import StationId
from wattseal.crypto.signing_requests import read_request
from wattseal.flow import commands
from wattseal.flow.commands import Declined, Done
from wattseal.flow.documents import read
from wattseal.flow.drivers.plug_and_charge16_asks import ask_in_transfer
from wattseal.flow.identity.station_certificates import (
    OWN,
    REQUEST,
    Progress,
    SigningState,
    StationCertificate,
    alarm,
    delivered,
    progressed,
)
from wattseal.flow.ports import Batch
from wattseal.flow.world import World
from wattseal.model.certificates import STATION_USE, CertificateDelivered
from wattseal.model.principal import Principal
from wattseal.model.remote import ExtendedTriggerRequested, Responded, TriggerRequested
from wattseal.wire.ocpp.version import Version

GIVE_UP_MS = 24 * 3_600_000
"""A signed certificate that could not be delivered for so long is not delivered any more."""
ANSWERED_MS = 250
MAX_CHAIN = 10_000
"""Longest chain in CertificateSigned, in characters."""
TRIGGER_PAUSE_MS = 24 * 3_600_000
DAY_MS = 24 * 3_600_000
_TRIGGERS = {
    STATION_USE: "SignChargingStationCertificate",
    "V2GCertificate": "SignV2GCertificate",
    "V2G20Certificate": "SignV2G20Certificate",
}


def system(world: World) -> Principal:
    """Return who asks where the CSMS acts by itself."""
    return Principal(world.tenant, "system", frozenset(), frozenset({"*"}))


async def waiting(world: World, limit: int = 1000) -> tuple[SigningState, ...]:
    """Return requests that wait and whose stations are connected, or that have waited for too long.

    One that has just come is left for the next time: its answer is to go out first.
    """
    page = await world.journal.documents(world.tenant, REQUEST, active=True, limit=limit)
    states = [read(document, SigningState) for document in page]
    now_ms = world.now_ms()
    states = [s for s in states if s.at_ms < now_ms - ANSWERED_MS]
    return tuple(s for s in states if s.at_ms < now_ms - GIVE_UP_MS or world.lines.version(StationId(s.station_id)))


async def deliver(world: World, state: SigningState) -> None:
    """Sign a request, once, and send the certificate; what cannot be sent now waits on."""
    if state.at_ms < world.now_ms() - GIVE_UP_MS:
        await _close(world, progressed(state, Progress.FAILED, "the station was not reached"))
        return
    if not state.chain:
        signed = await _signed(world, state)
        if signed is None:
            return
        state = signed
    answer = await _hand_over(world, state)
    if answer is None:
        world.count("certificate_not_delivered")
    elif answer.status == "Accepted":
        await _close(world, progressed(state, Progress.ACCEPTED))
    else:
        await _close(world, progressed(state, Progress.REJECTED, answer.reason or answer.status))


async def _hand_over(world: World, state: SigningState) -> Responded | None:
    """Send a certificate, a 1.6 station's for ISO 15118 the way its request came; None where there is no answer."""
    station_id = StationId(state.station_id)
    if state.use is not None and world.lines.version(station_id) is Version.V16:
        content = {"certificateChain": state.chain, "certificateType": state.use}
        return await ask_in_transfer(world, system(world), station_id, "CertificateSigned", content)
    command = CertificateDelivered(state.chain, state.use, state.request_id)
    outcome = await commands.send(world, system(world), station_id, command)
    match outcome:
        case Done(answer=Responded() as answer):
            return answer
        case Declined():
            return Responded("Rejected", outcome.code)
        case _:
            return None


async def _signed(world: World, state: SigningState) -> SigningState | None:
    if world.authority is None:
        await _close(world, progressed(state, Progress.FAILED, "there is no certificate authority here"))
        return None
    try:
        signed = await world.authority.issue(read_request(state.csr.encode()))
    except WattsealError as error:
        if isinstance(error, StoreError):
            raise
        await _close(world, progressed(state, Progress.FAILED, error.code))
        return None
    if len(signed.chain) > MAX_CHAIN:
        await _close(world, progressed(state, Progress.FAILED, "the chain is longer than 10000 characters"))
        return None
    state = replace(state, chain=signed.chain)
    now_ms = world.now_ms()
    await world.journal.commit(Batch(world.tenant, puts=(state.put(now_ms),)))
    return state


async def _close(world: World, state: SigningState) -> None:
    """Keep what came of a request; one that failed is for an operator to look at (A03, error handling).

    A request that a newer one has replaced meanwhile is left alone.
    """
    document = await world.journal.document(world.tenant, REQUEST, state.key)
    if document is None or read(document, SigningState).csr != state.csr:
        return
    now_ms = world.now_ms()
    puts = [state.put(now_ms)]
    world.count(f"certificate_{state.progress}")
    if state.progress is Progress.ACCEPTED:
        puts.append(delivered(state.station_id, state.chain, state.use).put(now_ms))
    else:
        puts.append(alarm(world, f"certificate_{state.progress}", state.station_id, now_ms, state.reason))
    await world.journal.commit(Batch(world.tenant, puts=tuple(puts)))


@dataclass(frozen=True, slots=True)
class Expiring:
    """A station's certificate that ends soon, and whether the station is to be asked for a request now."""

    kept: StationCertificate
    ask: bool


async def expiring(world: World, within_days: int) -> AsyncIterator[Expiring]:
    """Yield the certificates of stations that end within so many days."""
    now_ms, after = world.now_ms(), ""
    while page := await world.journal.documents(world.tenant, OWN, after=after, limit=500):
        for document in page:
            kept = read(document, StationCertificate)
            if kept.not_after_ms < now_ms + within_days * DAY_MS:
                online = world.lines.version(StationId(kept.station_id)) is not None
                yield Expiring(kept, online and kept.triggered_ms < now_ms - TRIGGER_PAUSE_MS)
        after = page[-1].key


async def first_end_ms(world: World) -> int | None:
    """Return when the first of all stations' certificates ends; None where there is none."""
    ends, after = None, ""
    while page := await world.journal.documents(world.tenant, OWN, after=after, limit=500):
        first = min(read(document, StationCertificate).not_after_ms for document in page)
        ends, after = first if ends is None else min(ends, first), page[-1].key
    return ends


async def ask_for_renewal(world: World, kept: StationCertificate) -> None:
    """Ask a station for a new request (A02), in the way its version knows, and keep that it was asked."""
    now_ms = world.now_ms()
    await world.journal.commit(Batch(world.tenant, puts=(replace(kept, triggered_ms=now_ms).put(now_ms),)))
    station_id, asking = StationId(kept.station_id), system(world)
    message = _TRIGGERS.get(kept.use, _TRIGGERS[STATION_USE])
    if world.lines.version(station_id) is not Version.V16:
        await commands.send(world, asking, station_id, TriggerRequested(message))
    elif kept.use == STATION_USE:
        await commands.send(world, asking, station_id, ExtendedTriggerRequested(message))
    else:
        await ask_in_transfer(world, asking, station_id, "TriggerMessage", {"requestedMessage": message})
