"""Uptime of ports, and the maintenance windows that excuse outages."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec
from litestar import Response, delete, get, post
from litestar.params import FromPath, JSONBody

from wattseal.base.errors import InputError
from wattseal.flow.documents import STATION, read
from wattseal.flow.fleet import maintenance
from wattseal.flow.fleet.maintenance import MAX_STATIONS, MAX_TEXT, announce, find_windows, withdraw
from wattseal.flow.fleet.sites import site_by_id
from wattseal.flow.fleet.uptime import MAX_DAYS, PortUptime, station_uptime
from wattseal.model.station import Station
from wattseal.model.works import Cause, Where, Window
from wattseal.serve.api.paging import Instant, instant, paged
from wattseal.serve.api.problems import ProblemError, Req, demand
from wattseal.serve.api.service import Limit, Service, ShortQuery, What, Who

ShortPath = FromPath[str]
WRITE = "stations:write"
_DEFAULT_DAYS = 30


Id = Annotated[str, msgspec.Meta(min_length=1, max_length=48)]


class WindowBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"begin": "from", "end": "to"}):
    """Works to announce; times with a zone. Give `station_id`, `station_ids`, `site`, or `everywhere`: one of them."""

    begin: Annotated[datetime, msgspec.Meta(tz=True)]
    end: Annotated[datetime, msgspec.Meta(tz=True)]
    cause: Cause = Cause.MAINTENANCE
    note: Annotated[str, msgspec.Meta(max_length=MAX_TEXT)] = ""
    station_id: Id | None = None
    station_ids: Annotated[tuple[Id, ...], msgspec.Meta(max_length=MAX_STATIONS)] = ()
    site: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None
    everywhere: bool = False


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
    """Announce works, in which outage does not count: a signed record, with who announced them.

    Those for maintenance silence what they explain: silence, sessions cut, what devices' monitors say. Nothing else.
    """
    demand(principal, WRITE)
    where, by = await _where(service, data), await service.api_tokens.author_of(principal.name)
    made = await announce(service.world, where, _ms(data.begin), _ms(data.end), data.cause, note=data.note, by=by)
    return _window_view(made)


async def _where(service: Service, data: WindowBody) -> Where:
    stations = (*data.station_ids, *(() if data.station_id is None else (data.station_id,)))
    if sum((data.station_id is not None, bool(data.station_ids), data.site is not None, data.everywhere)) != 1:
        text = "works are at station_id, at station_ids, at a site, or everywhere: give one of them"
        raise InputError(text, code="bad_window", subject="station_id")
    if data.site is not None and await site_by_id(service.world, data.site) is None:
        raise ProblemError(404, "not_found", "there is no such site")
    return Where(tuple([(await _station(service, station)).id for station in stations]), data.site)


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
    """List works that count by their begin, those of a station or all; `Link` leads to the next page."""
    demand(principal, "stations:read")
    found = await find_windows(service.world, station_id, after or "", limit)
    return paged(request, [_window_view(w) for w in found], found[-1].id if len(found) == limit else None)


@post("/maintenance-windows/{window_id:str}/end", status_code=200)
async def post_window_end(principal: Who, service: What, window_id: ShortPath) -> dict[str, Any]:
    """End works early that are under way: on record, with who did; until now they count."""
    demand(principal, WRITE)
    by = await service.api_tokens.author_of(principal.name)
    try:
        window = await maintenance.end(service.world, window_id, by)
    except InputError as error:
        raise ProblemError(409, error.code, str(error)) from error
    if window is None:
        raise ProblemError(404, "not_found", "there is no such window")
    return _window_view(window)


@delete("/maintenance-windows/{window_id:str}", status_code=204)
async def delete_window(principal: Who, service: What, window_id: ShortPath) -> None:
    """Withdraw works, as if never announced; the records that they were, and who withdrew them, stay."""
    demand(principal, WRITE)
    by = await service.api_tokens.author_of(principal.name)
    if await withdraw(service.world, window_id, by) is None:
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
    told: dict[str, Any] = msgspec.to_builtins(window)
    where = told.pop("where")
    one = window.where.stations[0] if len(window.where.stations) == 1 else None
    return told | {"station_id": one, "station_ids": where["stations"], "site": where["site"]}


ROUTES = (get_uptime, post_window, get_windows, post_window_end, delete_window)
