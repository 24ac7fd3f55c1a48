"""Limits for many stations: one person asks, another approves; until then nothing is sent."""

from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from wattseal.base.errors import InputError
from wattseal.flow.documents import STATION, every_document, read
from wattseal.flow.fleet import orders, templates
from wattseal.flow.fleet.templates import Wanted
from wattseal.flow.limits.sent import Limit
from wattseal.model.charging import RateUnit
from wattseal.model.station import Station
from wattseal.rules.two_persons import FIRMWARE, TEMPLATE, FleetOrder, OrderState
from wattseal.serve.api.service import Service, What
from wattseal.serve.viewers import Viewer
from wattseal.serve.web.forms import Form, gone_to, sure, text_of
from wattseal.serve.web.guard import check_form
from wattseal.serve.web.render import render
from wattseal.serve.web.signing_in import people_of
from wattseal.serve.web.texts import marked as _
from wattseal.serve.web.viewer import Looks, Req, needs

READ, POWER = "commands:read", "commands:power"
MAX_TEXT, MAX_STATIONS_TEXT = 500, 60_000
MAX_HOURS = 24 * 7
SHOWN = 50
KINDS = {TEMPLATE: _("Template"), FIRMWARE: _("Firmware")}
STATES = {
    OrderState.WAITING: _("waits for a second person"),
    OrderState.APPROVED: _("approved"),
    OrderState.REFUSED: _("refused"),
    OrderState.WITHDRAWN: _("withdrawn"),
    OrderState.EXPIRED: _("expired: nobody approved it in time"),
}


@get("/fleet-limits", security=[{}], include_in_schema=False, guards=[needs(READ)])
async def fleet_limits(request: Req, viewer: Looks, service: What) -> Response[bytes]:
    """Show what was asked for, what waits, and a form to ask."""
    return await _page(request, viewer, service)


async def _page(
    request: Req, viewer: Viewer, service: Service, status: int = 200, *, trouble: str = ""
) -> Response[bytes]:
    register, now_ms = (await people_of(service)).register, service.world.now_ms()
    found = await orders.latest(service.world, SHOWN)
    return render(
        request,
        viewer,
        "fleet_limits.html",
        status=status,
        found=[(order, order.at(now_ms)) for order in found],
        states=STATES,
        name=register.name,
        me=viewer.principal.name,
        powers=viewer.may(POWER),
        may_decide=lambda order: viewer.may(POWER, *orders.needed(order)),
        kinds=KINDS,
        wanted={order.id: await _wanted(service, order) for order in found if order.kind == TEMPLATE},
        alone=service.world.settings.alone_stations,
        trouble=trouble,
    )


async def _wanted(service: Service, order: FleetOrder) -> tuple[Wanted, ...]:
    """Return what a template that was ordered wants; nothing where it is another one by now."""
    if await templates.differs(service.world, order.subject, order.parameters):
        return ()
    template = await templates.find_template(service.world, order.subject)
    return () if template is None else template.variables


@post("/fleet-limits", security=[{}], include_in_schema=False, guards=[needs(READ, POWER)])
async def ask(request: Req, viewer: Looks, service: What, data: Form) -> Response[Any]:
    """Ask for a limit."""
    check_form(request, viewer, data)
    try:
        stations = await _stations(service, data)
        limit = _limit(service, data)
        text = text_of(data, "text", MAX_TEXT, least=1)
        await orders.ask(service.world, service.api_tokens, viewer.principal, limit, stations, text=text)
    except InputError as error:
        return await _page(request, viewer, service, 422, trouble=str(error))
    return gone_to("/fleet-limits")


@post("/fleet-limits/{order_id:str}", security=[{}], include_in_schema=False, guards=[needs(READ, POWER)])
async def decide(request: Req, viewer: Looks, service: What, order_id: FromPath[str], data: Form) -> Response[Any]:
    """Approve, refuse or withdraw it."""
    check_form(request, viewer, data)
    try:
        wanted = {one.value: one for one in OrderState}.get(data.get("do", ""), OrderState.EXPIRED)
        if wanted is OrderState.APPROVED:
            sure(data)
        await orders.decide(service.world, viewer.principal, order_id, wanted)
    except InputError as error:
        return await _page(request, viewer, service, 409, trouble=str(error))
    return gone_to("/fleet-limits")


async def _stations(service: Service, data: dict[str, str]) -> tuple[str, ...]:
    told = tuple(text_of(data, "stations", MAX_STATIONS_TEXT).split())
    if told:
        return told
    world = service.world
    found = [read(document, Station) async for document in every_document(world.journal, world.tenant, STATION)]
    return tuple(station.id for station in found if station.successor is None)


def _limit(service: Service, data: dict[str, str]) -> Limit:
    try:
        amount, hours = Decimal(data.get("amount", "").replace(",", ".")), int(data.get("hours", "") or 1)
    except (InvalidOperation, ValueError) as error:
        raise InputError(_("give a number"), code="bad_amount", subject="amount") from error
    if not amount.is_finite() or not 0 <= amount <= 10**9 or not 1 <= hours <= MAX_HOURS:
        raise InputError(_("give a number"), code="bad_amount", subject="amount")
    unit = RateUnit.A if data.get("unit") == "A" else RateUnit.W
    until = service.world.clock.now() + timedelta(hours=hours)
    return Limit(amount, unit, until=until, below_floor=data.get("below_floor") == "yes")


ROUTES = (fleet_limits, ask, decide)
