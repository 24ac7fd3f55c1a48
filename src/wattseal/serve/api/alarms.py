"""Alarms: what somebody should look at."""

from typing import Any

import msgspec
from litestar import Response, get

from wattseal.base.ids import StationId
from wattseal.flow.documents import ALARM, read
from wattseal.flow.turn import Alarm
from wattseal.serve.api.paging import paged
from wattseal.serve.api.problems import Req, demand
from wattseal.serve.api.service import Limit, ShortQuery, What, Who


@get("/alarms")
async def get_alarms(
    principal: Who,
    service: What,
    request: Req,
    *,
    limit: Limit = 100,
    station_id: ShortQuery = None,
    after: ShortQuery = None,
) -> Response[list[dict[str, Any]]]:
    """List alarms, oldest first; `Link` leads to the next page."""
    demand(principal, "alarms:read")
    page = await service.world.journal.documents(
        principal.tenant,
        ALARM,
        station_id=None if station_id is None else StationId(station_id),
        after=after or "",
        limit=limit,
    )
    views = [msgspec.to_builtins(read(document, Alarm)) for document in page]
    return paged(request, views, page[-1].key if len(page) == limit else None)


ROUTES = (get_alarms,)
