"""Uptime of ports, and the maintenance windows that excuse outages."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec
from litestar import Response, delete, get, post
from litestar.params import FromPath, JSONBody

from wattseal.base.errors import InputError
from wattseal.flow.documents import STATION, read
from wattseal.flow.fleet.maintenance import MAX_TEXT, Cause, Window, announce, find_windows, withdraw
from wattseal.flow.fleet.uptime import MAX_DAYS, PortUptime, station_uptime
from wattseal.model.station import Station
from wattseal.serve.api.paging import Instant, instant, paged
from wattseal.serve.api.problems import ProblemError, Req, demand
from wattseal.serve.api.service import Limit, Service, ShortQuery, What, Who

ShortPath = FromPath[str]
_DEFAULT_DAYS = 30


class WindowBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"begin": "from", "end": "to"}):
    """A maintenance window to announce; times with a zone."""

    station_id: Annotated[str, msgspec.Meta(min_length=1, max_length=48)]
    begin: Annotated[datetime, msgspec.Meta(tz=True)]
    end: Annotated[datetime, msgspec.Meta(tz=True)]
    cause: Cause = Cause.MAINTENANCE
    note: Annotated[str, msgspec.Meta(max_length=MAX_TEXT)] = ""


@get("/stations/{station_id:str}/uptime")
async def get_uptime(
    principal: Who,
    service: What,
    station_id: ShortPath,
    *,
    since: Instant = None,
    until: Instant = None,
) -> dict[str, Any]:
    """Show each port's uptime from `since` to `until` (RFC 3339; the last 30 days by default), by NEVI and AFIR."""
    demand(principal, "stations:read")
    station = await _station(service, station_id)
    now = service.world.clock.now()
    end = now if until is None else instant(until, "until")
    begin = end - timedelta(days=_DEFAULT_DAYS) if since is None else instant(since, "since")
    if not timedelta(0) < end - begin <= timedelta(days=MAX_DAYS):
        raise InputError(f"until is after since, at most {MAX_DAYS} days", code="bad_window", subject="since")
    ports = await station_uptime(service.world, station, _ms(begin), _ms(end))
    return {
        "station_id": station.id,
        "since": begin.astimezone(UTC).isoformat(),
        "until": end.astimezone(UTC).isoformat(),
        "ports": [_port_view(port) for port in ports],
    }


@post("/maintenance-windows")
async def post_window(principal: Who, service: What, data: JSONBody[WindowBody]) -> dict[str, Any]:
    """Announce a window in which outage of a station does not count."""
    demand(principal, "stations:write")
    station = await _station(service, data.station_id)
    made = await announce(
        service.world, station.id, _ms(data.begin), _ms(data.end), data.cause, note=data.note, by=principal.name
    )
    return _window_view(made)


@get("/maintenance-windows")
async def get_windows(
    principal: Who,
    service: What,
    request: Req,
    *,
    limit: Limit = 100,
    station_id: ShortQuery = None,
    after: ShortQuery = None,
) -> Response[list[dict[str, Any]]]:
    """List windows by their begin; `Link` leads to the next page."""
    demand(principal, "stations:read")
    found = await find_windows(service.world, station_id, after or "", limit)
    return paged(request, [_window_view(w) for w in found], found[-1].id if len(found) == limit else None)


@delete("/maintenance-windows/{window_id:str}", status_code=204)
async def delete_window(principal: Who, service: What, window_id: ShortPath) -> None:
    """Withdraw a window."""
    demand(principal, "stations:write")
    if await withdraw(service.world, window_id) is None:
        raise ProblemError(404, "not_found", "there is no such window")


async def _station(service: Service, station_id: str) -> Station:
    document = await service.world.journal.document(service.world.tenant, STATION, station_id.casefold())
    if document is None:
        raise ProblemError(404, "not_found", "there is no such station")
    return read(document, Station)


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _port_view(port: PortUptime) -> dict[str, Any]:
    told = port.uptime
    return {
        "evse_id": port.evse_id,
        "known_s": told.known_ms // 1000,
        "outage_s": told.outage_ms // 1000,
        "excluded_s": told.excluded_ms // 1000,
        "unknown_s": told.unknown_ms // 1000,
        "nevi_percent": None if told.nevi_percent is None else str(told.nevi_percent),
        "afir_percent": None if told.afir_percent is None else str(told.afir_percent),
    }


def _window_view(window: Window) -> dict[str, Any]:
    return msgspec.to_builtins(window)  # type: ignore[no-any-return] # a dataclass becomes an object


ROUTES = (get_uptime, post_window, get_windows, delete_window)
