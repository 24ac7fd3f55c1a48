"""Stations: enrolment, and what is known of them."""

from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody

from wattseal.base.errors import InputError
from wattseal.base.ids import StationId
from wattseal.flow.documents import STATION, read
from wattseal.flow.fleet import enrol
from wattseal.flow.fleet.sites import site_by_id
from wattseal.flow.limits.fallback import check_fallback
from wattseal.flow.stations.availability import connectors
from wattseal.model.principal import Principal
from wattseal.model.station import Station
from wattseal.rules.clock_drift import drift_ms
from wattseal.serve.api.bodies import StationBody, station_view
from wattseal.serve.api.paging import paged
from wattseal.serve.api.problems import ProblemError, Req, demand
from wattseal.serve.api.service import Limit, Service, ShortQuery, What, Who

UPSERT = {200: ResponseSpec(dict[str, Any], generate_examples=False, description="Changed")}
"""Beside 201: what was there already is changed."""


@post("/stations", responses=UPSERT)
async def post_station(principal: Who, service: What, data: JSONBody[StationBody]) -> Response[dict[str, Any]]:
    """Enrol a station (201), or change its enrolment (200)."""
    demand(principal, "stations:write")
    world = service.world
    known = await world.journal.document(principal.tenant, STATION, data.id.casefold())
    if known is None and data.needs_password:
        raise InputError("a new station needs a password or password_hex", subject="password")
    if data.site is not None and await site_by_id(world, data.site) is None:
        raise InputError("there is no such site; put it first", code="no_such_site", subject="site")
    before = None if known is None else read(known, Station)
    wanted = data.station(before)
    check_fallback(world, wanted.fallback_a)
    station = await enrol.enrol_station(world, wanted, data.password_bytes())
    return Response(await _station(principal, service, station), status_code=201 if known is None else 200)


@get("/stations")
async def get_stations(
    principal: Who, service: What, request: Req, *, limit: Limit = 100, after: ShortQuery = None
) -> Response[list[dict[str, Any]]]:
    """List stations; `Link` leads to the next page."""
    demand(principal, "stations:read")
    page = await service.world.journal.documents(principal.tenant, STATION, after=after or "", limit=limit)
    views = [await _station(principal, service, read(document, Station)) for document in page]
    return paged(request, views, page[-1].key if len(page) == limit else None)


@get("/stations/{station_id:str}")
async def get_station(principal: Who, service: What, station_id: FromPath[str]) -> dict[str, Any]:
    """Show one station."""
    demand(principal, "stations:read")
    document = await service.world.journal.document(principal.tenant, STATION, station_id.casefold())
    if document is None:
        raise ProblemError(404, "not_found", "there is no such station")
    return await _station(principal, service, read(document, Station))


async def _station(principal: Principal, service: Service, station: Station) -> dict[str, Any]:
    """Return a station with its connectors; the address it comes from is for those who may change it."""
    station_id = StationId(station.id)
    states = await connectors(service.world, station_id)
    link = service.link(station_id)
    connection = None if link is None else msgspec.structs.asdict(link)
    if connection is not None and not principal.may("stations:write"):
        connection["remote"] = None
    statuses = {state.evse_id: state.status for state in states}
    view = station_view(station, connection=connection, statuses=statuses)
    memory = service.world.stations.get(station_id)
    view["clock_drift_ms"] = None if memory is None else drift_ms(memory.clock)
    return view | {"connectors": [msgspec.to_builtins(state) for state in states]}


ROUTES = (post_station, get_stations, get_station)
