"""Stations: enrolment, and what is known of them."""

from typing import Any

from litestar import Response, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody

from wattseal.base.errors import InputError
from wattseal.base.ids import StationId
from wattseal.flow import enrol
from wattseal.flow.documents import STATION, read
from wattseal.model.station import Station
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
    before = None if known is None else read(known, Station)
    station = await enrol.enrol_station(world, data.station(before), data.password_bytes())
    return Response(_station(service, station), status_code=201 if known is None else 200)


@get("/stations")
async def get_stations(
    principal: Who, service: What, request: Req, *, limit: Limit = 100, after: ShortQuery = None
) -> Response[list[dict[str, Any]]]:
    """List stations; `Link` leads to the next page."""
    demand(principal, "stations:read")
    page = await service.world.journal.documents(principal.tenant, STATION, after=after or "", limit=limit)
    views = [_station(service, read(document, Station)) for document in page]
    return paged(request, views, page[-1].key if len(page) == limit else None)


@get("/stations/{station_id:str}")
async def get_station(principal: Who, service: What, station_id: FromPath[str]) -> dict[str, Any]:
    """Show one station."""
    demand(principal, "stations:read")
    document = await service.world.journal.document(principal.tenant, STATION, station_id.casefold())
    if document is None:
        raise ProblemError(404, "not_found", "there is no such station")
    return _station(service, read(document, Station))


def _station(service: Service, station: Station) -> dict[str, Any]:
    station_id = StationId(station.id)
    memory = service.world.stations.get(station_id)
    statuses = {} if memory is None else memory.statuses
    return station_view(station, connected=service.connected(station_id), statuses=statuses)


ROUTES = (post_station, get_stations, get_station)
