"""Orders for the power of many stations: asked for by one person, approved by another, both on record.

An order's records are of kind COMMAND on stream 8 of the CPO's own chain: what is asked for, and a second one, which
refers to the first, with what was decided and by whom. The approval and the rollout that carries it out are one commit.
"""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from wattseal.base.errors import InputError
from wattseal.flow.claims import claimed
from wattseal.flow.documents import put, read
from wattseal.flow.fleet import rollouts
from wattseal.flow.fleet.api_tokens import ApiTokens
from wattseal.flow.limits.agreed import LIFT
from wattseal.flow.limits.sent import Limit
from wattseal.flow.step import Step
from wattseal.flow.world import World
from wattseal.model.charging import RateUnit
from wattseal.model.principal import Principal
from wattseal.rules.charging_checks import below_floor, check_end_of_stop
from wattseal.rules.rollout import Plan
from wattseal.rules.two_persons import (
    MAX_STATIONS,
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
LIMIT = "limit"
"""Kind of the rollout that carries a limit out."""
POWER, STOP = "commands:power", "charging:stop"
ACTION = "FleetLimit"
PLAN = Plan((100,), 100, 50)
"""All at once: what the grid asks for does not wait for a first few, and one station that fails stops no other."""


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
    author = await tokens.author_of(principal.name)
    await world.chains.ready(world.billing_origin, STREAM)
    order = FleetOrder(
        id=f"{now_ms:015d}-{world.random.bytes(4).hex()}",
        station_ids=tuple(dict.fromkeys(station_ids)),
        amount=limit.amount,
        unit=limit.unit,
        below_floor=limit.below_floor,
        until_ms=until_ms,
        text=text,
        asked_by=principal.name,
        author=author,
        asked_ms=now_ms,
        expires_ms=now_ms + WAITS_MS,
    )
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
        lacking = [scope for scope in _needed(order) if not principal.may(scope)]
        if lacking:
            raise OrderError(f"you lack {lacking[0]}", code="role_not_held", subject="by")
        by = sender(world, changed).name
        parameters = {"order": order.id}
        plan = await rollouts.planned(world, LIMIT, ACTION, order.station_ids, PLAN, by=by, parameters=parameters)
    await world.chains.ready(world.billing_origin, STREAM)
    step = Step(world, "", world.now_ms())
    written = _record(step, changed, wanted.value, (bytes.fromhex(order.record or ""),))
    kept = replace(changed, outcome_record=written.hash.hex(), rollout=None if plan is None else plan.id)
    step.puts.append(put(ORDER, kept.id, kept, step.now_ms, active=False))
    if plan is not None:
        step.puts.append(rollouts.put_rollout(plan, step.now_ms))
    await step.commit()
    return kept


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
    return Principal(world.tenant, name, frozenset(), frozenset({*_needed(order), LIFT}))


def _needed(order: FleetOrder) -> tuple[str, ...]:
    return (POWER, STOP) if order.below_floor else (POWER,)


def _record(step: Step, order: FleetOrder, outcome: str, refs: tuple[bytes, ...] = ()) -> Written:
    by = order.asked_by if not outcome else order.decided_by or ""
    said = Ordered(ACTION, by, "", order.expires_ms, outcome or None)
    asked_for = {
        "amount": str(order.amount),
        "unit": order.unit.value,
        "below_floor": order.below_floor,
        "until_ms": order.until_ms,
        "text": order.text,
        "stations": list(order.station_ids),
    }
    raw = b"" if outcome else msgspec.json.encode(asked_for)
    groups = ((int(Group.OPS), dcbor.encode(said.to_fields())), (int(Group.RAW), dcbor.encode({1: raw})))
    draft = PlainDraft(Kind.COMMAND, step.now_ms, groups, refs)
    return step.write((step.world.billing_origin, STREAM), step.world.csms_key, draft, None)
