"""Orders for many stations, of limits, templates and firmware: asked for by one, approved by another, both on record.

An order's records are of kind COMMAND on stream 8 of the CPO's own chain: what is asked for, and a second one, which
refers to the first, with what was decided and by whom. The approval and the rollout that carries it out are one commit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from wattseal.base.errors import InputError
from wattseal.flow.claims import claimed
from wattseal.flow.documents import put, read
from wattseal.flow.fleet import rollouts
from wattseal.flow.fleet.api_tokens import ApiTokens
from wattseal.flow.fleet.rollouts import Rollout
from wattseal.flow.fleet.templates import differs
from wattseal.flow.limits.agreed import LIFT
from wattseal.flow.limits.sent import Limit
from wattseal.flow.step import Step
from wattseal.flow.world import World
from wattseal.model.charging import RateUnit
from wattseal.model.principal import Principal
from wattseal.rules.charging_checks import below_floor, check_end_of_stop
from wattseal.rules.rollout import Plan
from wattseal.rules.two_persons import (
    ALONE_MS,
    FIRMWARE,
    LIMIT,
    MAX_STATIONS,
    TEMPLATE,
    WAITS_MS,
    FleetOrder,
    OrderError,
    OrderState,
    decided,
    in_both_names,
)
from wattseal.seal import dcbor
from wattseal.seal.fields import Ordered
from wattseal.seal.item import Group, Kind
from wattseal.seal.plain import PlainDraft, Written

ORDER = "fleet_order"
"""Document kind, by time and chance; active while it waits."""
STREAM = 8
POWER, STOP, MAINTAIN = "commands:power", "charging:stop", "commands:maintenance"
ACTION = "FleetLimit"
_ACTIONS = {LIMIT: ACTION, TEMPLATE: "FleetTemplate", FIRMWARE: "FleetFirmware"}
ORDERED = "order"
"""The parameter of a rollout that two people agreed on."""
PLAN = Plan((100,), 100, 50)
"""All at once: what the grid asks for does not wait for a first few, and one station that fails stops no other."""


@dataclass(frozen=True, slots=True)
class What:
    """What a rollout does: its kind, with what, how it goes, and its parameters."""

    kind: str
    subject: str
    plan: Plan
    parameters: Mapping[str, object] = field(default_factory=dict)


async def ask(
    world: World, tokens: ApiTokens, principal: Principal, limit: Limit, station_ids: tuple[str, ...], *, text: str = ""
) -> FleetOrder:
    """Ask for a limit at several stations; nothing is sent until another person approves.

    `InputError` where a station is not enrolled, the limit would stop charging without saying so or without the right
    to, or is over before it begins.
    """
    if not 2 <= len(set(station_ids)) <= MAX_STATIONS:
        trouble = f"an order is for 2 to {MAX_STATIONS} stations; a single one has a limit of its own"
        raise OrderError(trouble, code="too_few_stations", subject="station_ids")
    floor, now_ms = world.settings.charging.floor.of(limit.unit), world.now_ms()
    if limit.amount < floor and not (limit.below_floor and principal.may(STOP)):
        raise below_floor(floor, limit.unit)
    if limit.amount < floor:
        check_end_of_stop(limit.until, world.clock.now())
    until_ms = None if limit.until is None else int(limit.until.timestamp() * 1000)
    if until_ms is not None and until_ms <= now_ms:
        raise InputError("the limit would be over before it began", subject="until")
    await rollouts.planned(world, LIMIT, ACTION, station_ids, PLAN, by=principal.name)
    order = replace(
        await _waiting(world, tokens, principal, tuple(dict.fromkeys(station_ids))),
        amount=limit.amount,
        unit=limit.unit,
        below_floor=limit.below_floor,
        until_ms=until_ms,
        text=text,
    )
    return await _asked(world, order)


async def roll_out(
    world: World,
    tokens: ApiTokens,
    principal: Principal,
    what: What,
    station_ids: tuple[str, ...],
    *,
    text: str = "",
) -> Rollout | FleetOrder:
    """Begin a rollout where it reaches few stations; else ask for it, and begin when another person approves.

    Few are `alone_stations`, those included to which the same person rolled out alone within a day: many small rollouts
    are a large one.
    """
    made = await rollouts.planned(
        world, what.kind, what.subject, station_ids, what.plan, by=principal.name, parameters=what.parameters
    )
    author = await tokens.author_of(principal.name)
    with claimed(world, (f"rolls out/{author}",)) as mine:
        if not mine:
            raise OrderError("another rollout of yours begins at this moment", code="being_decided", subject="by")
        if len({*station_ids, *await _alone(world, tokens, author)}) <= world.settings.alone_stations:
            await rollouts.keep(world, made)
            return made
    waiting = await _waiting(world, tokens, principal, station_ids)
    order = replace(
        waiting, kind=what.kind, subject=what.subject, plan=what.plan, parameters=dict(what.parameters), text=text
    )
    return await _asked(world, order)


async def _alone(world: World, tokens: ApiTokens, author: str) -> set[str]:
    """Return the stations to which somebody has rolled out alone lately, by whatever token."""
    since_ms, found = world.now_ms() - ALONE_MS, set[str]()
    for one in await rollouts.latest(world, None):
        if one.created_ms > since_ms and ORDERED not in one.parameters and await tokens.author_of(one.by) == author:
            found.update(one.station_ids)
    return found


async def _waiting(world: World, tokens: ApiTokens, principal: Principal, station_ids: tuple[str, ...]) -> FleetOrder:
    now_ms = world.now_ms()
    return FleetOrder(
        id=f"{now_ms:015d}-{world.random.bytes(4).hex()}",
        station_ids=station_ids,
        asked_by=principal.name,
        author=await tokens.author_of(principal.name),
        asked_ms=now_ms,
        expires_ms=now_ms + WAITS_MS,
    )


async def _asked(world: World, order: FleetOrder) -> FleetOrder:
    """Put an order on record; it waits from now on."""
    await world.chains.ready(world.billing_origin, STREAM)
    now_ms = world.now_ms()
    step = Step(world, "", now_ms)
    kept = replace(order, record=_record(step, order, "").hash.hex())
    step.puts.append(put(ORDER, kept.id, kept, now_ms, active=True))
    await step.commit()
    return kept


async def decide(world: World, principal: Principal, order_id: str, wanted: OrderState) -> FleetOrder:
    """Approve, refuse or withdraw an order (`no_order`, and the codes of `rules.two_persons.decided`).

    Who approves needs the rights that asking needs. Of two who decide at once the first counts.
    """
    with claimed(world, (order_id,)) as mine:
        if not mine:
            raise OrderError("somebody decides on it at this moment", code="being_decided", subject="id")
        order = await find(world, order_id)
        if order is None:
            raise OrderError("there is no such order", code="no_order", subject="id")
        return await _decide(world, principal, order, wanted)


async def _decide(world: World, principal: Principal, order: FleetOrder, wanted: OrderState) -> FleetOrder:
    changed = decided(order, principal.name, wanted, world.now_ms())
    plan = None
    if wanted is OrderState.APPROVED:
        lacking = [scope for scope in needed(order) if not principal.may(scope)]
        if lacking:
            raise OrderError(f"you lack {lacking[0]}", code="role_not_held", subject="by")
        plan = await _carried_out(world, changed)
    await world.chains.ready(world.billing_origin, STREAM)
    step = Step(world, "", world.now_ms())
    written = _record(step, changed, wanted.value, (bytes.fromhex(order.record or ""),))
    kept = replace(changed, outcome_record=written.hash.hex(), rollout=None if plan is None else plan.id)
    step.puts.append(put(ORDER, kept.id, kept, step.now_ms, active=False))
    if plan is not None:
        step.puts.append(rollouts.put_rollout(plan, step.now_ms))
    await step.commit()
    return kept


async def _carried_out(world: World, order: FleetOrder) -> Rollout:
    """Return the rollout of an approved order, in the names of both."""
    subject = ACTION if order.kind == LIMIT else order.subject
    if order.kind == TEMPLATE and await differs(world, order.subject, order.parameters):
        text = f"the template {order.subject} is another one now; ask for it anew"
        raise OrderError(text, code="template_changed", subject="subject")
    parameters = {**order.parameters, ORDERED: order.id}
    by = in_both_names(order.asked_by, order.decided_by)
    plan = order.plan or PLAN
    return await rollouts.planned(world, order.kind, subject, order.station_ids, plan, by=by, parameters=parameters)


async def find(world: World, order_id: str) -> FleetOrder | None:
    """Return an order."""
    document = await world.journal.document(world.tenant, ORDER, order_id)
    return None if document is None else read(document, FleetOrder)


async def latest(world: World, limit: int = 100) -> list[FleetOrder]:
    """Return the latest orders, the newest first."""
    page = await world.journal.documents(world.tenant, ORDER, limit=limit, newest=True)
    return [read(document, FleetOrder) for document in page]


def limit_of(order: FleetOrder) -> Limit:
    """Return the limit that each station is sent."""
    until = None if order.until_ms is None else datetime.fromtimestamp(order.until_ms / 1000, UTC)
    return Limit(Decimal(order.amount), RateUnit(order.unit), until=until, below_floor=order.below_floor)


def sender(world: World, order: FleetOrder) -> Principal:
    """Return in whose name it is sent: both persons stand in each station's command."""
    name = in_both_names(order.asked_by, order.decided_by)
    return Principal(world.tenant, name, frozenset(), frozenset({*needed(order), LIFT}))


def needed(order: FleetOrder) -> tuple[str, ...]:
    """Return the scopes that asking for it and approving it take."""
    if order.kind != LIMIT:
        return (MAINTAIN,)
    return (POWER, STOP) if order.below_floor else (POWER,)


def _asked_for(order: FleetOrder) -> dict[str, object]:
    told: dict[str, object] = {"text": order.text, "stations": list(order.station_ids)}
    if order.kind != LIMIT:
        rest = {"subject": order.subject, "plan": order.plan, "parameters": dict(order.parameters)}
        return {"kind": order.kind, **rest, **told}
    limit = {"amount": str(order.amount), "unit": order.unit.value, "below_floor": order.below_floor}
    return {**limit, "until_ms": order.until_ms, **told}


def _record(step: Step, order: FleetOrder, outcome: str, refs: tuple[bytes, ...] = ()) -> Written:
    by = order.asked_by if not outcome else order.decided_by or ""
    said = Ordered(_ACTIONS[order.kind], by, "", order.expires_ms, outcome or None)
    raw = b"" if outcome else msgspec.json.encode(_asked_for(order))
    groups = ((int(Group.OPS), dcbor.encode(said.to_fields())), (int(Group.RAW), dcbor.encode({1: raw})))
    draft = PlainDraft(Kind.COMMAND, step.now_ms, groups, refs)
    return step.write((step.world.billing_origin, STREAM), step.world.csms_key, draft, None)
