"""Rollouts: templates and firmware put on many stations phase by phase, stopped by failures."""

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody

from wattseal.base.errors import InputError
from wattseal.flow.documents import STATION, every_document, read
from wattseal.flow.fleet import orders, rollouts, templates
from wattseal.flow.fleet.rollouts import Member, Rollout
from wattseal.flow.fleet.templates import Template
from wattseal.model.station import Station
from wattseal.rules.rollout import MAX_STATIONS, MemberState, Plan, State
from wattseal.rules.two_persons import FIRMWARE, TEMPLATE, FleetOrder
from wattseal.serve.api.commands import MAINTAIN, demand_command
from wattseal.serve.api.fleet_limits import order_view
from wattseal.serve.api.problems import ProblemError, demand
from wattseal.serve.api.service import Service, ShortQuery, What, Who

WAITS = {202: ResponseSpec(dict[str, Any], generate_examples=False, description="Waits for a second person")}
"""Beside 201: on so many stations it begins when somebody else has approved it."""
_STEPS = {"pause": State.PAUSED, "resume": State.RUNNING, "cancel": State.CANCELLED}
Phases = Annotated[list[Annotated[int, msgspec.Meta(ge=1, le=100)]], msgspec.Meta(min_length=1, max_length=10)]
StationIds = Annotated[
    list[Annotated[str, msgspec.Meta(min_length=1, max_length=48)]], msgspec.Meta(min_length=1, max_length=MAX_STATIONS)
]


class PlanBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a rollout goes: phases in percent of the stations, what share of failures stops it, how many at once."""

    phases: Phases = msgspec.field(default_factory=lambda: [5, 25, 100])
    max_failed_percent: Annotated[int, msgspec.Meta(ge=0, le=100)] = 10
    parallel: Annotated[int, msgspec.Meta(ge=1, le=500)] = 20

    def plan(self) -> Plan:
        """Return it."""
        return Plan(tuple(self.phases), self.max_failed_percent, self.parallel)


class TemplateRolloutBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """On which stations to put a template; left out, on all of its model."""

    station_ids: StationIds | None = None
    plan: PlanBody = msgspec.field(default_factory=PlanBody)
    text: Annotated[str, msgspec.Meta(max_length=500)] = ""


class CampaignBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A firmware campaign; `version` is what people call the firmware.

    Signed firmware comes with its signature in base64 and the signer's certificate in PEM.
    """

    version: Annotated[str, msgspec.Meta(min_length=1, max_length=50)]
    location: Annotated[str, msgspec.Meta(min_length=8, max_length=512, pattern=r"^(https?|ftps?|sftp)://[!-~]+$")]
    station_ids: StationIds
    plan: PlanBody = msgspec.field(default_factory=PlanBody)
    install_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    signing_certificate: Annotated[str, msgspec.Meta(min_length=1, max_length=5500)] | None = None
    signature: Annotated[str, msgspec.Meta(min_length=1, max_length=800)] | None = None
    text: Annotated[str, msgspec.Meta(max_length=500)] = ""


@post("/templates/{name:str}/rollouts", responses=WAITS)
async def post_rollout(
    principal: Who, service: What, name: FromPath[str], data: JSONBody[TemplateRolloutBody]
) -> Response[dict[str, Any]]:
    """Put a template on stations: what they have not told is read, what differs is written.

    On more stations than one person may reach alone (202) it waits for another person to approve it.
    """
    demand_command(principal, MAINTAIN)
    template = await templates.find_template(service.world, name)
    if template is None:
        raise ProblemError(404, "not_found", "there is no such template")
    chosen = tuple(data.station_ids) if data.station_ids is not None else await _of_model(service, template)
    what = orders.What(TEMPLATE, template.name, data.plan.plan(), templates.content_of(template))
    return _begun(await orders.roll_out(service.world, service.api_tokens, principal, what, chosen, text=data.text))


@post("/firmware-campaigns", responses=WAITS)
async def post_campaign(principal: Who, service: What, data: JSONBody[CampaignBody]) -> Response[dict[str, Any]]:
    """Update the firmware of stations, phase by phase; failures stop it. Stations fetch it from `location`.

    On more stations than one person may reach alone (202) it waits for another person to approve it.
    """
    demand_command(principal, MAINTAIN)
    parameters: dict[str, object] = {
        name: value
        for name, value in (
            ("location", data.location),
            ("signing_certificate", data.signing_certificate),
            ("signature", data.signature),
            ("install_at", None if data.install_at is None else _time(data.install_at)),
        )
        if value is not None
    }
    if (data.signature is None) is not (data.signing_certificate is None):
        raise InputError("a signature comes with its signing_certificate", subject="signature")
    what, stations = orders.What(FIRMWARE, data.version, data.plan.plan(), parameters), tuple(data.station_ids)
    return _begun(await orders.roll_out(service.world, service.api_tokens, principal, what, stations, text=data.text))


def _begun(made: Rollout | FleetOrder) -> Response[dict[str, Any]]:
    if isinstance(made, Rollout):
        return Response(_view(made), status_code=201)
    return Response(order_view(made, made.asked_ms), status_code=202)


@get("/rollouts")
async def get_rollouts(principal: Who, service: What, *, kind: ShortQuery = None) -> list[dict[str, Any]]:
    """List rollouts, the latest last."""
    demand(principal, "stations:read")
    return [_view(rollout) for rollout in await rollouts.latest(service.world, kind)]


@get("/rollouts/{rollout_id:str}")
async def get_rollout(principal: Who, service: What, rollout_id: FromPath[str]) -> dict[str, Any]:
    """Show a rollout and how each of its stations stands."""
    demand(principal, "stations:read")
    rollout = await rollouts.find(service.world, rollout_id)
    if rollout is None:
        raise ProblemError(404, "not_found", "there is no such rollout")
    found = await rollouts.members(service.world, rollout_id)
    return _view(rollout) | {"stations": [_member(name, found.get(name)) for name in rollout.station_ids]}


@post("/rollouts/{rollout_id:str}/{step:str}")
async def post_step(
    principal: Who, service: What, rollout_id: FromPath[str], step: FromPath[str]
) -> Response[dict[str, Any]]:
    """`pause`, `resume` or `cancel` a rollout; what is under way at a station goes on."""
    demand_command(principal, MAINTAIN)
    if step not in _STEPS:
        raise ProblemError(404, "not_found", "a rollout can be told pause, resume and cancel")
    if await rollouts.find(service.world, rollout_id) is None:
        raise ProblemError(404, "not_found", "there is no such rollout")
    return Response(_view(await rollouts.steer(service.world, rollout_id, _STEPS[step])), status_code=200)


async def _of_model(service: Service, template: Template) -> tuple[str, ...]:
    world = service.world
    found = [read(document, Station) async for document in every_document(world.journal, world.tenant, STATION)]
    return tuple(station.id for station in found if template.is_for(station) and station.successor is None)


def _time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _view(rollout: Rollout) -> dict[str, Any]:
    return {
        "id": rollout.id,
        "kind": rollout.kind,
        "subject": rollout.subject,
        "state": rollout.state.value,
        "phase": rollout.phase,
        "why": rollout.why,
        "by": rollout.by,
        "created_at_ms": rollout.created_ms,
        "plan": msgspec.to_builtins(rollout.plan),
        "station_count": len(rollout.station_ids),
    }


def _member(station_id: str, member: Member | None) -> dict[str, Any]:
    if member is None:
        return {"station_id": station_id, "state": MemberState.PENDING.value, "since_ms": None, "why": "", "job": None}
    return {
        "station_id": station_id,
        "state": member.state.value,
        "since_ms": member.since_ms,
        "why": member.why,
        "job": member.job,
    }


ROUTES = (post_rollout, post_campaign, get_rollouts, get_rollout, post_step)
