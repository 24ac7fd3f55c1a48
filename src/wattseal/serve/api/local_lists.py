"""Local lists: the tokens a station lets charge without asking."""

from typing import Any

from litestar import Response, get, post, put
from litestar.params import FromPath, JSONBody

from wattseal.base.ids import StationId
from wattseal.flow.commands import find_station
from wattseal.flow.drivers.known_tokens import find_list
from wattseal.flow.drivers.list_keeper import is_stale
from wattseal.flow.drivers.list_sync import set_policy, sync
from wattseal.flow.world import World
from wattseal.model.local_list import ListPolicy, ListStatus, LocalList
from wattseal.serve.api.bodies import Body
from wattseal.serve.api.commands import answered
from wattseal.serve.api.paging import paged
from wattseal.serve.api.problems import Req, demand
from wattseal.serve.api.service import Limit, ShortQuery, What, Who

READ, WRITE = "local-lists:read", "local-lists:write"


class ListBody(Body, frozen=True, kw_only=True):
    """Which tokens go on the list: `none`, the CPO's `own`, or `all`: also those of eMSPs who allow it."""

    policy: ListPolicy


class SyncBody(Body, frozen=True, kw_only=True):
    """`full` sends the whole list even where changes would do."""

    full: bool = False


@get("/stations/{station_id:str}/local-list")
async def get_list(principal: Who, service: What, station_id: FromPath[str]) -> dict[str, Any]:
    """Show where a station's list stands."""
    demand(principal, READ)
    memory = await find_station(service.world, StationId(station_id))
    return list_view(service.world, await find_list(service.world, memory.station.id))


@get("/stations/{station_id:str}/local-list/entries")
async def get_entries(
    principal: Who,
    service: What,
    request: Req,
    station_id: FromPath[str],
    *,
    limit: Limit = 100,
    after: ShortQuery = None,
) -> Response[list[dict[str, Any]]]:
    """List the tokens a station was given, in canonical order."""
    demand(principal, READ)
    demand(principal, "tokens:read")
    memory = await find_station(service.world, StationId(station_id))
    held = (await find_list(service.world, memory.station.id)).held
    keys = [key for key in sorted(held) if key > (after or "")][:limit]
    views = [{"id_token": held[key].value, "type": held[key].type} for key in keys]
    return paged(request, views, keys[-1] if len(keys) == limit else None)


@put("/stations/{station_id:str}/local-list")
async def put_list(
    principal: Who, service: What, station_id: FromPath[str], data: JSONBody[ListBody]
) -> dict[str, Any]:
    """Choose which tokens go on the list; it is kept fresh from then on."""
    demand(principal, WRITE)
    return list_view(service.world, await set_policy(service.world, StationId(station_id), data.policy))


@post("/stations/{station_id:str}/local-list/sync", status_code=200)
async def post_sync(
    principal: Who, service: What, station_id: FromPath[str], data: JSONBody[SyncBody]
) -> dict[str, Any]:
    """Bring the list up to date now; the whole of it where the station's version is not ours."""
    demand(principal, WRITE)
    outcome, known = await sync(service.world, principal, StationId(station_id), full=data.full)
    if outcome is not None:
        answered(outcome)
    return list_view(service.world, known)


def list_view(world: World, known: LocalList) -> dict[str, Any]:
    """Return a list as the API shows it: never its tokens."""
    limits, chosen = known.limits, known.policy is not ListPolicy.NONE
    return {
        "station_id": known.station_id,
        "policy": known.policy.value,
        "status": known.status.value,
        "version": known.version,
        "told_version": known.told_version,
        "drifted": known.drifted,
        "entries": len(known.held),
        "left_out": known.left_out,
        "items_per_message": None if limits is None else limits.items,
        "bytes_per_message": None if limits is None else limits.bytes,
        "max_entries": None if limits is None else limits.entries,
        "changed_at_ms": known.changed_ms or None,
        "fresh_at_ms": known.fresh_ms or None,
        "stale": chosen and known.status is not ListStatus.UNSUPPORTED and is_stale(world, known.since_ms),
    }


ROUTES = (get_list, get_entries, put_list, post_sync)
