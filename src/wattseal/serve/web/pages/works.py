"""Announced works: a list, announcing, and ending or withdrawing them."""

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from wattseal.base.errors import InputError
from wattseal.flow.documents import STATION, read
from wattseal.flow.fleet.maintenance import MAX_TEXT, announce, end, find_windows, withdraw
from wattseal.flow.fleet.sites import site_by_id
from wattseal.model.station import Station
from wattseal.model.works import Cause, Where
from wattseal.serve.api.service import Service, What
from wattseal.serve.viewers import Viewer
from wattseal.serve.web.forms import Form, gone_to, text_of
from wattseal.serve.web.guard import check_form
from wattseal.serve.web.render import render
from wattseal.serve.web.signing_in import people_of
from wattseal.serve.web.texts import marked as _
from wattseal.serve.web.viewer import Looks, Req, needs

READ, WRITE = "stations:read", "stations:write"
SHOWN, MAX_STATIONS_TEXT, MAX_SITE, MAX_HOURS = 200, 5000, 64, 90 * 24
HOUR_MS = 3_600_000
CAUSES = {
    Cause.MAINTENANCE: _("maintenance"),
    Cause.VANDALISM: _("vandalism"),
    Cause.GRID: _("grid"),
    Cause.DISASTER: _("disaster"),
    Cause.VEHICLE: _("vehicle"),
    Cause.HOURS: _("outside the hours of operation"),
}


@get("/works", security=[{}], include_in_schema=False, guards=[needs(READ)])
async def works(request: Req, viewer: Looks, service: What) -> Response[bytes]:
    """Show the works that count, the latest first."""
    return await _page(request, viewer, service)


@post("/works", security=[{}], include_in_schema=False, guards=[needs(READ, WRITE)])
async def post_works(request: Req, viewer: Looks, service: What, data: Form) -> Response[Any]:
    """Announce works, from now on or in some hours."""
    check_form(request, viewer, data)
    world = service.world
    try:
        begin_ms = world.now_ms() + _hours(data, "after", 0) * HOUR_MS
        until_ms = begin_ms + _hours(data, "hours", 1) * HOUR_MS
        cause = {one.value: one for one in Cause}.get(data.get("cause", ""), Cause.MAINTENANCE)
        where, note = await _where(service, data), text_of(data, "note", MAX_TEXT)
        await announce(world, where, begin_ms, until_ms, cause, note=note, by=viewer.principal.name)
    except InputError as error:
        return await _page(request, viewer, service, 422, trouble=str(error), told=data)
    return gone_to("/works")


@post("/works/{works_id:str}", security=[{}], include_in_schema=False, guards=[needs(READ, WRITE)])
async def post_end(request: Req, viewer: Looks, service: What, works_id: FromPath[str], data: Form) -> Response[Any]:
    """End works that are under way, or withdraw works."""
    check_form(request, viewer, data)
    what = withdraw if data.get("do") == "withdraw" else end
    try:
        if await what(service.world, works_id, viewer.principal.name) is None:
            return await _page(request, viewer, service, 404, trouble=_("There are no such works any more."))
    except InputError as error:
        return await _page(request, viewer, service, 409, trouble=str(error))
    return gone_to("/works")


async def _where(service: Service, data: dict[str, str]) -> Where:
    world = service.world
    named, site = text_of(data, "stations", MAX_STATIONS_TEXT).split(), text_of(data, "site", MAX_SITE)
    if sum((bool(named), bool(site), data.get("everywhere") == "yes")) != 1:
        raise InputError(_("Name stations, or a site, or choose everywhere."), code="bad_window", subject="stations")
    if site and await site_by_id(world, site) is None:
        raise InputError(_("There is no such site."), code="no_site", subject="site")
    found = []
    for station_id in named:
        document = await world.journal.document(world.tenant, STATION, station_id.casefold())
        if document is None:
            raise InputError(_("One of these stations is not enrolled."), code="no_station", subject=station_id)
        found.append(read(document, Station).id)
    return Where(tuple(found), site or None)


def _hours(data: dict[str, str], name: str, least: int) -> int:
    try:
        hours = int(data.get(name, "") or least)
    except ValueError:
        hours = -1
    if not least <= hours <= MAX_HOURS:
        raise InputError(_("give a number"), code="bad_window", subject=name)
    return hours


async def _page(
    request: Req,
    viewer: Viewer,
    service: Service,
    status: int = 200,
    *,
    trouble: str = "",
    told: dict[str, str] | None = None,
) -> Response[bytes]:
    world = service.world
    found = await find_windows(world, None)
    return render(
        request,
        viewer,
        "works.html",
        status=status,
        found=found[::-1][:SHOWN],
        causes=CAUSES,
        now_ms=world.now_ms(),
        name=(await people_of(service)).register.name,
        announces=viewer.may(WRITE),
        told=told or {},
        most=(MAX_STATIONS_TEXT, MAX_SITE, MAX_TEXT, MAX_HOURS),
        trouble=trouble,
    )


ROUTES = (works, post_works, post_end)
