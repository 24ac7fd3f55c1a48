"""Certificates and passwords of stations: what they use, ask for and have installed; new passwords, higher profiles."""

from typing import Annotated, Any

from litestar import get, post
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Meta, UnsetType, to_builtins

from wattseal.base.ids import StationId
from wattseal.flow.commands import Declined, Done, Outcome, Queued
from wattseal.flow.documents import STATION, read
from wattseal.flow.identity.certificates import INSTALLED, Installed
from wattseal.flow.identity.passwords import rotate_password
from wattseal.flow.identity.profiles import Upgrade, raise_profile
from wattseal.flow.identity.station_certificates import OWN, REQUEST, SigningState, StationCertificate
from wattseal.serve.api.bodies import Body
from wattseal.serve.api.commands import MAINTAIN, answered, demand_command
from wattseal.serve.api.problems import ProblemError, demand
from wattseal.serve.api.service import Service, What, Who

Serial = Annotated[str, Meta(pattern="^[0-9a-fA-F]{2,40}$")]


class UpgradeBody(Body, frozen=True, kw_only=True):
    """Where a station is to go. The address and the rest are for 2.x; a 1.6 station knows its own way."""

    security_profile: Annotated[int, Meta(ge=1, le=3)]
    url: Annotated[str, Meta(pattern="^wss?://", max_length=512)]
    slot: Annotated[int, Meta(ge=0, le=1000)] = 2
    present_slot: Annotated[int, Meta(ge=0, le=1000)] = 1
    interface: Annotated[str, Meta(min_length=1, max_length=20)] = "Wired0"


class SentView(Body, frozen=True, kw_only=True, omit_defaults=True):
    """A command that was sent: what came of it, and the records that hold it."""

    action: str
    outcome: str
    record: str | UnsetType = UNSET


@get("/stations/{station_id:str}/certificates")
async def get_certificates(principal: Who, service: What, station_id: FromPath[str]) -> dict[str, Any]:
    """Show a station's own certificates, its latest signing requests, and what is installed as far as it is known."""
    demand(principal, "stations:read")
    world, named = service.world, await _named(service, station_id)
    own = await world.journal.documents(principal.tenant, OWN, station_id=named)
    requests = await world.journal.documents(principal.tenant, REQUEST, station_id=named)
    document = await world.journal.document(principal.tenant, INSTALLED, named.casefold())
    installed = Installed(named) if document is None else read(document, Installed)
    return {
        "own": [_own(read(document, StationCertificate)) for document in own],
        "requests": [_request(read(document, SigningState)) for document in requests],
        "installed": to_builtins(installed.certificates),
        "installed_listed_at_ms": installed.listed_ms,
    }


@post("/stations/{station_id:str}/password", status_code=200)
async def post_password(principal: Who, service: What, station_id: FromPath[str]) -> dict[str, Any]:
    """Give a station a new random password, which nobody else learns.

    `good` says which password it may use from now on: the "new" one, the "old" one because it refused, or "both" until
    it comes with the new one, because it did not answer or restarts first.
    """
    demand_command(principal, MAINTAIN)
    done = await rotate_password(service.world, principal, StationId(station_id))
    if not isinstance(done.outcome, Done | Declined):
        answered(done.outcome)
    return {"good": done.good, "sent": to_builtins(_sent(done.outcome))}


@post("/stations/{station_id:str}/security-profile", status_code=200)
async def post_security_profile(
    principal: Who, service: What, station_id: FromPath[str], data: JSONBody[UpgradeBody]
) -> dict[str, Any]:
    """Have a station connect with a higher security profile; the steps sent end at the first that it does not accept.

    2.x: SetNetworkProfile, SetVariables of NetworkConfigurationPriority, Reset. 1.6: ChangeConfiguration.
    """
    demand_command(principal, MAINTAIN)
    upgrade = Upgrade(data.security_profile, data.url, data.slot, data.present_slot, data.interface)
    outcomes = await raise_profile(service.world, principal, StationId(station_id), upgrade)
    if not isinstance(outcomes[0], Done | Declined):
        answered(outcomes[0])
    return {"sent": [to_builtins(_sent(outcome)) for outcome in outcomes]}


@post("/certificates/{serial:str}/revocation", status_code=200)
async def post_revocation(principal: Who, service: What, serial: FromPath[Serial]) -> dict[str, Any]:
    """Revoke a certificate of the own authority, by its number in hex; its connection is closed within seconds."""
    demand(principal, "certificates:write")
    authority = service.world.authority
    if authority is None:
        raise ProblemError(409, "no_authority", "there is no certificate authority here; see `wattseal keys ca`")
    at = await authority.revoke(serial)
    return {"serial": serial.lower(), "revoked_at": at}


async def _named(service: Service, station_id: str) -> StationId:
    document = await service.world.journal.document(service.world.tenant, STATION, station_id.casefold())
    if document is None or document.station_id is None:
        raise ProblemError(404, "not_found", "there is no such station")
    return document.station_id


def _own(kept: StationCertificate) -> dict[str, Any]:
    return {
        "use": kept.use,
        "serial": kept.serial,
        "fingerprint": kept.fingerprint,
        "not_after": kept.not_after,
        "renewal_asked_at_ms": kept.triggered_ms or None,
    }


def _request(state: SigningState) -> dict[str, Any]:
    return {
        "use": state.use,
        "progress": state.progress.value,
        "reason": state.reason or None,
        "at_ms": state.at_ms,
    }


def _sent(outcome: Outcome) -> SentView:
    match outcome:
        case Done():
            return SentView(action=outcome.action, outcome="answered", record=outcome.record.hex())
        case Declined():
            return SentView(action=outcome.action, outcome=outcome.code, record=outcome.record.hex())
        case Queued():
            return SentView(action=outcome.action, outcome="queued", record=UNSET)
        case _:
            record = UNSET if outcome.record is None else outcome.record.hex()
            return SentView(action=outcome.action, outcome=outcome.reason, record=record)


ROUTES = (get_certificates, post_password, post_security_profile, post_revocation)
