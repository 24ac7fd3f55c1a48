"""Orders for many stations at once: asked for over the API, approved by a second person on the pages."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, JSONBody

from wattseal.flow.fleet import orders
from wattseal.flow.limits.sent import Limit as LimitToSet
from wattseal.rules.two_persons import LIMIT, MAX_STATIONS, FleetOrder, OrderState
from wattseal.serve.api.amounts import Amount, amount_of
from wattseal.serve.api.bodies import Body
from wattseal.serve.api.problems import ProblemError, demand
from wattseal.serve.api.service import Limit, What, Who

READ, POWER, STOP = "commands:read", "commands:power", "charging:stop"
_STEPS = {"refuse": OrderState.REFUSED, "withdraw": OrderState.WITHDRAWN}
StationIds = Annotated[
    list[Annotated[str, msgspec.Meta(min_length=1, max_length=48)]], msgspec.Meta(min_length=2, max_length=MAX_STATIONS)
]


class FleetLimitBody(Body, frozen=True, kw_only=True):
    """A limit for several stations as wholes, `limit_a` amperes of each phase or `limit_w` watts, until a time.

    A limit that stops charging needs `below_floor`.
    """

    station_ids: StationIds
    limit_a: Amount | None = None
    limit_w: Amount | None = None
    until: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    below_floor: bool = False
    text: Annotated[str, msgspec.Meta(max_length=500)] = ""


@post("/fleet-limits")
async def post_fleet_limit(principal: Who, service: What, data: JSONBody[FleetLimitBody]) -> dict[str, Any]:
    """Ask for a limit at many stations. It waits an hour for another person, who approves it on the pages."""
    demand(principal, POWER)
    if data.below_floor:
        demand(principal, STOP)
    amount, unit = amount_of(data.limit_a, data.limit_w)
    limit = LimitToSet(amount, unit, until=data.until, below_floor=data.below_floor)
    made = await orders.ask(
        service.world, service.api_tokens, principal, limit, tuple(data.station_ids), text=data.text
    )
    return order_view(made, service.world.now_ms())


@get("/fleet-limits")
async def get_fleet_limits(principal: Who, service: What, *, limit: Limit = 100) -> list[dict[str, Any]]:
    """List the latest limits asked for, the newest first, and what became of them."""
    demand(principal, READ)
    now_ms = service.world.now_ms()
    found = await orders.latest(service.world, limit)
    return [order_view(order, now_ms) for order in found if order.kind == LIMIT]


@post("/fleet-limits/{order_id:str}/{step:str}")
async def post_fleet_limit_step(
    principal: Who, service: What, order_id: FromPath[str], step: FromPath[str]
) -> Response[dict[str, Any]]:
    """`refuse` or `withdraw` a limit that waits; approving takes a person who is signed in, no token."""
    demand(principal, POWER)
    if step not in _STEPS:
        raise ProblemError(404, "not_found", "a limit that waits can be told refuse and withdraw")
    known = await orders.find(service.world, order_id)
    if known is not None and known.kind != LIMIT:
        raise ProblemError(404, "not_found", "this order is no limit: see /fleet-orders")
    decided = await orders.decide(service.world, principal, order_id, _STEPS[step])
    return Response(order_view(decided, service.world.now_ms()), status_code=200)


@get("/fleet-orders")
async def get_fleet_orders(principal: Who, service: What, *, limit: Limit = 100) -> list[dict[str, Any]]:
    """List the latest orders for many stations, of limits, templates and firmware, the newest first."""
    demand(principal, READ)
    now_ms = service.world.now_ms()
    return [order_view(order, now_ms) for order in await orders.latest(service.world, limit)]


@post("/fleet-orders/{order_id:str}/{step:str}")
async def post_fleet_order_step(
    principal: Who, service: What, order_id: FromPath[str], step: FromPath[str]
) -> Response[dict[str, Any]]:
    """`refuse` or `withdraw` an order that waits; approving takes a person who is signed in, no token."""
    demand(principal, READ)
    order = await orders.find(service.world, order_id)
    if step not in _STEPS or order is None:
        raise ProblemError(404, "not_found", "an order that waits can be told refuse and withdraw")
    for scope in orders.needed(order):
        demand(principal, scope)
    decided = await orders.decide(service.world, principal, order_id, _STEPS[step])
    return Response(order_view(decided, service.world.now_ms()), status_code=200)


def order_view(order: FleetOrder, now_ms: int) -> dict[str, Any]:
    """Return an order as the API shows it; an amount is a limit's, what follows `subject` a rollout's."""
    return {
        "id": order.id,
        "kind": order.kind,
        "state": order.at(now_ms).value,
        "station_ids": list(order.station_ids),
        "amount": str(order.amount),
        "unit": order.unit.value,
        "below_floor": order.below_floor,
        "until_ms": order.until_ms,
        "text": order.text,
        "asked_by": order.asked_by,
        "asked_at_ms": order.asked_ms,
        "expires_at_ms": order.expires_ms,
        "decided_by": order.decided_by,
        "decided_at_ms": order.decided_ms,
        "record": order.record,
        "outcome_record": order.outcome_record,
        "rollout": order.rollout,
        "subject": order.subject,
        "plan": None if order.plan is None else msgspec.to_builtins(order.plan),
        "parameters": dict(order.parameters),
    }


ROUTES = (post_fleet_limit, get_fleet_limits, post_fleet_limit_step, get_fleet_orders, post_fleet_order_step)
