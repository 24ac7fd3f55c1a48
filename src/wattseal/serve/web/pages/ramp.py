"""Commands that wait for the fleet's ramp: a list, and taking one back."""

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from wattseal.base.errors import InputError
from wattseal.flow import ramp
from wattseal.flow.ramp import WaitingState
from wattseal.serve.api.service import Service, What
from wattseal.serve.viewers import Viewer
from wattseal.serve.web.forms import Form, gone_to
from wattseal.serve.web.guard import check_form
from wattseal.serve.web.render import render
from wattseal.serve.web.signing_in import people_of
from wattseal.serve.web.texts import marked as _
from wattseal.serve.web.viewer import Looks, Req, needs

READ, POWER = "commands:read", "commands:power"
SHOWN = 100
STATES = {
    WaitingState.WAITING: _("waits"),
    WaitingState.SENDING: _("on its way"),
    WaitingState.SENT: _("sent"),
    WaitingState.CANCELLED: _("taken back"),
    WaitingState.REFUSED: _("not sent"),
}


@get("/ramp", security=[{}], include_in_schema=False, guards=[needs(READ)])
async def waiting_commands(request: Req, viewer: Looks, service: What) -> Response[bytes]:
    """Show the caps, what waits and until when."""
    return await _page(request, viewer, service)


@post("/ramp/{waiting_id:str}", security=[{}], include_in_schema=False, guards=[needs(READ, POWER)])
async def take_back(request: Req, viewer: Looks, service: What, waiting_id: FromPath[str], data: Form) -> Response[Any]:
    """Take back a command that waits."""
    check_form(request, viewer, data)
    try:
        await ramp.cancel(service.world, viewer.principal, waiting_id)
    except InputError as error:
        return await _page(request, viewer, service, 409, trouble=str(error))
    return gone_to("/ramp")


async def _page(
    request: Req, viewer: Viewer, service: Service, status: int = 200, *, trouble: str = ""
) -> Response[bytes]:
    world = service.world
    return render(
        request,
        viewer,
        "ramp.html",
        status=status,
        policy=world.ramp.policy,
        waiting=len(await ramp.queue_of(world)),
        found=await ramp.latest(world, SHOWN),
        states=STATES,
        name=(await people_of(service)).register.name,
        powers=viewer.may(POWER),
        trouble=trouble,
    )


ROUTES = (waiting_commands, take_back)
