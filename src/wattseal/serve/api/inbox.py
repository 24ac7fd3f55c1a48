"""The inbox of unknown stations, and stations that took another's place."""

from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from wattseal.flow.fleet.inbox import Stranger, approve, list_strangers, refuse
from wattseal.flow.fleet.succession import predecessors, succeed
from wattseal.serve.api.paging import paged
from wattseal.serve.api.problems import Req, demand
from wattseal.serve.api.service import Limit, ShortQuery, What, Who

Text = Annotated[str, msgspec.Meta(max_length=255)]


class ApprovalBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to enrol a stranger: with a password of its own, or (left out) with the one it showed."""

    password: Annotated[str, msgspec.Meta(min_length=8, max_length=64)] | None = None


class SuccessionBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose place a station takes."""

    predecessor: Annotated[str, msgspec.Meta(min_length=1, max_length=48)]
    reason: Text = ""


@get("/inbox")
async def get_inbox(
    principal: Who,
    service: What,
    request: Req,
    *,
    limit: Limit = 100,
    refused: FromQuery[bool] = False,
    after: ShortQuery = None,
) -> Response[list[dict[str, Any]]]:
    """List unknown stations that knocked and wait (or were refused); `Link` leads to the next page."""
    demand(principal, "stations:read")
    found = await list_strangers(service.world, after or "", limit, refused=refused)
    next_key = found[-1].station_id.casefold() if len(found) == limit else None
    return paged(request, [_view(stranger) for stranger in found], next_key)


@post("/inbox/{station_id:str}/approve")
async def post_approval(
    principal: Who, service: What, station_id: FromPath[str], data: JSONBody[ApprovalBody]
) -> dict[str, Any]:
    """Enrol an unknown station; make sure first that it is the one you think."""
    demand(principal, "stations:write")
    password = None if data.password is None else data.password.encode()
    station = await approve(service.world, station_id, password)
    return {"id": station.id}


@post("/inbox/{station_id:str}/refuse")
async def post_refusal(principal: Who, service: What, station_id: FromPath[str]) -> dict[str, Any]:
    """Let an unknown station wait no more."""
    demand(principal, "stations:write")
    return _view(await refuse(service.world, station_id))


@post("/stations/{station_id:str}/succession")
async def post_succession(
    principal: Who, service: What, station_id: FromPath[str], data: JSONBody[SuccessionBody]
) -> dict[str, Any]:
    """Let a station take another's place, as its new name or a new machine; their histories are shown together."""
    demand(principal, "stations:write")
    made = await succeed(service.world, station_id, data.predecessor, by=principal.name, reason=data.reason)
    return {
        "station_id": made.station_id,
        "predecessors": list(await predecessors(service.world, made.station_id)),
        "at_ms": made.at_ms,
        "by": made.by,
        "reason": made.reason,
    }


def _view(stranger: Stranger) -> dict[str, Any]:
    return {
        "station_id": stranger.station_id,
        "first_seen_ms": stranger.first_seen_ms,
        "last_seen_ms": stranger.last_seen_ms,
        "remote": stranger.remote,
        "attempts": stranger.attempts,
        "showed_password": stranger.password_digest is not None,
        "refused": stranger.refused,
    }


ROUTES = (get_inbox, post_approval, post_refusal, post_succession)
