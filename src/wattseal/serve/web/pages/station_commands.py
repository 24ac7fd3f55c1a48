"""Commands to a station: asked for, confirmed, sent, answered; and who asked for what before."""

from typing import Any, assert_never

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from wattseal.base.errors import InputError
from wattseal.base.ids import StationId
from wattseal.flow.command_log import COMMAND, CommandKept
from wattseal.flow.commands import Declined, Done, Outcome, Queued, Unanswered
from wattseal.flow.listing import Wanted, latest
from wattseal.flow.verbs import Ask
from wattseal.model.station import Station
from wattseal.serve.api.command_log import NAMES_TOKENS
from wattseal.serve.api.service import Service, ShortQuery, What
from wattseal.serve.viewers import Viewer
from wattseal.serve.web.forms import Form, gone_to
from wattseal.serve.web.guard import check_form
from wattseal.serve.web.orders import MESSAGES, NAMES, ORDERS, order_of
from wattseal.serve.web.pages.station import READ, find_station, render_station
from wattseal.serve.web.texts import marked as _
from wattseal.serve.web.viewer import Looks, Req, needs
from wattseal.wire.ocpp import catalog
from wattseal.wire.ocpp.message import Sender

READ_LOG = "commands:read"
PAGE = 30
WITHOUT_ANSWER = {
    "offline": _("The station is not connected: nothing was sent. Send it again when it is."),
    "timed_out": _("The station has not answered in time. Whether it acted is not known."),
    "busy": _("Too many commands wait for this station: nothing was sent. Try again when they are answered."),
    "ramp": _("Its turn on the ramp went by while the journal stood still: nothing was sent. Send it again."),
    "unreadable": _("The station's answer does not fit its schema; it is in the record."),
}
"""Why there is no answer, in words."""


@get("/stations/{station_id:str}/commands", security=[{}], include_in_schema=False, guards=[needs(READ, READ_LOG)])
async def station_commands(
    request: Req,
    viewer: Looks,
    service: What,
    station_id: FromPath[str],
    *,
    after: ShortQuery = None,
    sent: ShortQuery = None,
    without: ShortQuery = None,
) -> Response[bytes]:
    """Show what can be asked, what came of the one just sent (`sent`: its record), and what was asked before."""
    found = await find_station(service, station_id)
    return await _page(
        request, viewer, service, found, after=after, sent=sent, trouble=WITHOUT_ANSWER.get(without or "", "")
    )


async def _page(
    request: Req,
    viewer: Viewer,
    service: Service,
    found: Station,
    *,
    status: int = 200,
    after: str | None = None,
    sent: str | None = None,
    trouble: str = "",
) -> Response[bytes]:
    wanted = Wanted(limit=PAGE, after=after or "", station_id=found.id)
    log, next_key = await latest(service.world, COMMAND, CommandKept, wanted)
    version = service.world.lines.version(StationId(found.id))
    memory = service.world.stations.get(StationId(found.id))
    running = () if memory is None else tuple(one.transaction for one in memory.live.values() if one.transaction.active)
    return render_station(
        request,
        viewer,
        service,
        found,
        "station_commands.html",
        status=status,
        orders={key: order for key, order in ORDERS.items() if order.may_be_sent_by(viewer)},
        messages=MESSAGES,
        actions=()
        if version is None
        else sorted(
            message.action
            for message in catalog.MESSAGES
            if version in message.requests and message.may_come_from(Sender.CSMS)
        ),
        running=running if viewer.may("transactions:read") else (),
        log=log,
        following=None if next_key is None else f"{request.url.path}?after={next_key}",
        just=next((one for one in log if sent and one.record == sent), None),
        trouble=trouble,
        without=WITHOUT_ANSWER,
        shown=lambda kept: viewer.may("tokens:read") or kept.action not in NAMES_TOKENS,
        pretty=pretty,
    )


def pretty(raw: msgspec.Raw) -> str:
    """Return JSON on lines of its own; "" where there is none."""
    text = bytes(raw)
    return "" if text == b"null" else msgspec.json.format(text, indent=2).decode("utf-8", "replace")


@post(
    "/stations/{station_id:str}/commands/check",
    security=[{}],
    include_in_schema=False,
    status_code=200,
    guards=[needs(READ, READ_LOG)],
)
async def check_command(
    request: Req, viewer: Looks, service: What, station_id: FromPath[str], data: Form
) -> Response[bytes]:
    """Show what would be sent, and ask whether it is to be."""
    check_form(request, viewer, data)
    found = await find_station(service, station_id)
    try:
        key, order = order_of(data, viewer)
        fields = order.read(data)
    except InputError as error:
        return await _page(request, viewer, service, found, status=422, trouble=str(error))
    return render_station(
        request, viewer, service, found, "station_confirm.html", key=key, order=order, fields=fields, names=NAMES
    )


@post(
    "/stations/{station_id:str}/commands",
    security=[{}],
    include_in_schema=False,
    guards=[needs(READ, READ_LOG)],
)
async def send_command(
    request: Req, viewer: Looks, service: What, station_id: FromPath[str], data: Form
) -> Response[Any]:
    """Send a command that was confirmed, wait for its answer, and show it."""
    check_form(request, viewer, data)
    found = await find_station(service, station_id)
    try:
        outcome = await _sent(service, viewer, found, data)
    except InputError as error:
        return await _page(request, viewer, service, found, status=422, trouble=str(error))
    return _after(found, outcome)


async def _sent(service: Service, viewer: Viewer, found: Station, data: Form) -> Outcome:
    if data.get("confirmed") != "yes":
        raise InputError(
            _("look at the command and confirm it before it is sent"), code="not_confirmed", subject="what"
        )
    _key, order = order_of(data, viewer)
    ask = Ask(service.world, viewer.principal, StationId(found.id))
    return await order.run(ask, order.read(data))


def _after(found: Station, outcome: Outcome) -> Response[Any]:
    where = f"/stations/{found.id}/commands"
    match outcome:
        case Done() | Declined():
            return gone_to(where, sent=outcome.record.hex())
        case Unanswered():
            told = {} if outcome.record is None else {"sent": outcome.record.hex()}
            return gone_to(where, without=outcome.reason, **told)
        case Queued():
            return gone_to("/ramp", waits=outcome.id)
        case _:
            assert_never(outcome)


ROUTES = (station_commands, check_command, send_command)
