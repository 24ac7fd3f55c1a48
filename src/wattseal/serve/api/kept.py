"""Lists of what is kept of one station, page by page: one way for all of them."""

from collections.abc import Callable
from typing import Any

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from wattseal.base.ids import StationId
from wattseal.flow.documents import STATION, read
from wattseal.flow.history import prefix
from wattseal.model.principal import Principal
from wattseal.model.station import Station
from wattseal.serve.api.paging import paged
from wattseal.serve.api.problems import ProblemError, Req, demand
from wattseal.serve.api.service import Limit, Service, ShortQuery, What, Who

READ = "stations:read"
"""Scope of reading what stations tell of themselves."""


async def known_station(principal: Principal, service: Service, station_id: str) -> StationId:
    """Return a station's id as enrolled; a problem (404) where there is no such station."""
    document = await service.world.journal.document(principal.tenant, STATION, station_id.casefold())
    if document is None:
        raise ProblemError(404, "not_found", "there is no such station")
    return StationId(read(document, Station).id)


def kept_list(
    name: str,
    kind: str,
    shape: type[Any],
    summary: str,
    *,
    scope: str = READ,
    view: Callable[[Any], dict[str, Any]] = msgspec.to_builtins,
) -> HTTPRouteHandler:
    """Return the handler of `GET /stations/{station_id}/NAME`: documents of `kind`, in the order of their keys."""

    async def listed(
        principal: Who,
        service: What,
        request: Req,
        station_id: FromPath[str],
        *,
        limit: Limit = 100,
        after: ShortQuery = None,
    ) -> Response[list[dict[str, Any]]]:
        demand(principal, scope)
        found = await known_station(principal, service, station_id)
        page = await service.world.journal.documents(
            principal.tenant, kind, station_id=found, after=max(after or "", prefix(found)), limit=limit
        )
        views = [view(read(document, shape)) for document in page]
        return paged(request, views, page[-1].key if len(page) == limit else None)

    path = f"/stations/{{station_id:str}}/{name}"
    operation = "List" + "".join(word.title() for word in name.split("-"))
    return get(path, operation_id=operation, summary=summary, description=summary)(listed)
