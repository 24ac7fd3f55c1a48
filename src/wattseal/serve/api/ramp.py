"""Commands that wait for the fleet's ramp: what waits, until when, and what became of it."""

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from wattseal.flow import ramp
from wattseal.flow.ramp import Waiting
from wattseal.serve.api.commands import POWER, demand_command
from wattseal.serve.api.problems import ProblemError, demand
from wattseal.serve.api.service import Limit, What, Who

READ = "commands:read"


@get("/ramp")
async def get_ramp(principal: Who, service: What, *, limit: Limit = 100) -> dict[str, Any]:
    """Return the caps in watts per second, how many commands wait, and those that had to wait last, newest first."""
    demand(principal, READ)
    world = service.world
    policy = world.ramp.policy
    return {
        "fleet_w_per_s": policy.fleet_w_s,
        "site_w_per_s": policy.site_w_s,
        "waiting": len(await ramp.queue_of(world)),
        "commands": [_view(waiting) for waiting in await ramp.latest(world, limit)],
    }


@get("/ramp/{waiting_id:str}")
async def get_waiting(principal: Who, service: What, waiting_id: FromPath[str]) -> dict[str, Any]:
    """Return a command that waits or had to wait, and what became of it."""
    demand(principal, READ)
    found = await ramp.find(service.world, waiting_id)
    if found is None:
        raise ProblemError(404, "no_waiting_command", "there is no such command")
    return _view(found)


@post("/ramp/{waiting_id:str}/cancel", status_code=200)
async def post_cancel(principal: Who, service: What, waiting_id: FromPath[str]) -> Response[dict[str, Any]]:
    """Take back a command that waits; the place it had stays free."""
    demand_command(principal, POWER)
    return Response(_view(await ramp.cancel(service.world, principal, waiting_id)), status_code=200)


def _view(waiting: Waiting) -> dict[str, Any]:
    return {
        "id": waiting.id,
        "state": waiting.state.value,
        "station_id": waiting.station_id,
        "action": waiting.action,
        "asked_by": waiting.asked_by,
        "asked_at_ms": waiting.asked_ms,
        "queued_until_ms": waiting.at_ms,
        "up_w": waiting.up_w,
        "down_w": waiting.down_w,
        "outcome": waiting.outcome,
        "record": waiting.record,
        "cancelled_by": waiting.cancelled_by,
    }


ROUTES = (get_ramp, get_waiting, post_cancel)
