"""Templates and firmware for many stations: one person asks, another approves, and just that is what goes out."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.support.answering import Answering
from tests.support.cpo_world import TestClock, enrol, make_world

from wattseal.app.rollout_works import WORKS
from wattseal.app.rollouts import Rollouts
from wattseal.base.errors import InputError
from wattseal.flow.documents import put
from wattseal.flow.fleet import api_tokens, orders, rollouts, templates
from wattseal.flow.fleet.api_tokens import ApiTokens
from wattseal.flow.fleet.orders import What
from wattseal.flow.fleet.rollouts import Rollout
from wattseal.flow.fleet.templates import Template, Wanted
from wattseal.flow.ports import Batch
from wattseal.flow.world import World
from wattseal.model.device import Component, Variable
from wattseal.model.principal import Principal
from wattseal.rules.recorded import _content
from wattseal.rules.rollout import Plan
from wattseal.rules.two_persons import FIRMWARE, TEMPLATE, WAITS_MS, FleetOrder, OrderState
from wattseal.seal.fields import Ordered
from wattseal.seal.item import Group, parse_item
from wattseal.wire.ocpp.version import Version

MANY = tuple(f"CS{n}" for n in range(5))
PLAN = Plan((100,), 100, 50)
PLACE = {"location": "https://firmware.example/2.bin"}
RIGHTS = frozenset({"commands:maintenance", "commands:write"})


def named(world: World, name: str, rights: frozenset[str] = RIGHTS) -> Principal:
    return Principal(world.tenant, name, frozenset(), rights)


@pytest.fixture
async def world() -> World:
    made = make_world()
    made.settings = replace(made.settings, alone_stations=2)
    for name in MANY:
        await enrol(made, name)
    return made


async def rolled(world: World, by: str = "person/a", stations: tuple[str, ...] = MANY) -> Rollout | FleetOrder:
    what = What(FIRMWARE, "2.0", PLAN, PLACE)
    return await orders.roll_out(world, ApiTokens(world), named(world, by), what, stations)


async def asked(world: World, **more: Any) -> FleetOrder:
    made = await rolled(world, **more)
    assert isinstance(made, FleetOrder)
    return made


async def refusal(world: World, order: FleetOrder, by: Principal) -> str:
    with pytest.raises(InputError) as refused:
        await orders.decide(world, by, order.id, OrderState.APPROVED)
    return refused.value.code


async def test_few_stations_take_one_person_and_many_wait_for_another(world: World) -> None:
    assert isinstance(await rolled(world, stations=MANY[:2]), Rollout)
    order = await asked(world, by="person/b")
    assert [one.id for one in await rollouts.running(world)] == [(await rollouts.latest(world, None))[0].id]
    done = await orders.decide(world, named(world, "person/c"), order.id, OrderState.APPROVED)
    found = await rollouts.find(world, done.rollout or "")
    assert found is not None
    assert (found.kind, found.subject, found.station_ids, found.plan) == (FIRMWARE, "2.0", MANY, PLAN)
    assert found.by == "person/b, approved by person/c"
    assert found.parameters == {**PLACE, "order": order.id}
    assert done.record
    assert done.outcome_record


async def test_many_small_rollouts_of_one_person_are_a_large_one(world: World) -> None:
    assert isinstance(await rolled(world, stations=MANY[:1]), Rollout)
    assert isinstance(await rolled(world, stations=MANY[:2]), Rollout), "one of them again"
    assert isinstance(await rolled(world, stations=MANY[2:3]), FleetOrder)
    assert isinstance(await rolled(world, "person/b", MANY[2:3]), Rollout), "others have their own"
    assert isinstance(world.clock, TestClock)
    world.clock.at += timedelta(days=1, minutes=1)
    assert isinstance(await rolled(world, stations=MANY[2:3]), Rollout)


async def test_a_token_s_rollouts_are_those_of_the_person_who_made_it(world: World) -> None:
    tokens = ApiTokens(world)
    made, _ = await tokens.make(named(world, "person/a"), "till", ("commands:maintenance",), 3600)
    assert isinstance(await rolled(world, api_tokens.named(made), MANY[:2]), Rollout)
    order = await asked(world, stations=MANY[2:4])
    assert await refusal(world, order, named(world, "person/a")) == "own_order"
    by_token = await asked(world, by=api_tokens.named(made))
    assert await refusal(world, by_token, named(world, "person/a")) == "own_order"


async def test_nobody_approves_but_another_person_with_the_same_rights_and_in_time(world: World) -> None:
    order = await asked(world)
    assert await refusal(world, order, named(world, "person/a")) == "own_order"
    assert await refusal(world, order, named(world, "admin")) == "not_a_person"
    assert await refusal(world, order, named(world, "x, approved by person/b 00ff")) == "not_a_person"
    assert await refusal(world, order, named(world, "person/b", frozenset({"commands:power"}))) == "role_not_held"
    assert isinstance(world.clock, TestClock)
    world.clock.at += timedelta(milliseconds=WAITS_MS)
    assert await refusal(world, order, named(world, "person/b")) == "order_over"
    assert await rollouts.latest(world, None) == []


async def test_without_the_rule_one_person_reaches_them_all(world: World) -> None:
    world.settings = replace(world.settings, alone_stations=1000)
    assert isinstance(await rolled(world), Rollout)


async def test_what_is_approved_is_on_record_with_both_names(world: World) -> None:
    order = await asked(world)
    done = await orders.decide(world, named(world, "person/b"), order.id, OrderState.APPROVED)
    kept = await world.journal.replay(world.tenant, 0, 1000)
    items = [parse_item(each.item.item) for each in kept if each.item.signed]
    told = {item.hash.hex(): item for item in items}
    first, second = told[done.record or ""], told[done.outcome_record or ""]
    assert first.hash in second.payload.refs
    said = [Ordered.read(_content(item, Group.OPS) or {}) for item in (first, second)]
    assert [(one.action, one.asked_by, one.outcome) for one in said] == [
        ("FleetFirmware", "person/a", None),
        ("FleetFirmware", "person/b", "approved"),
    ]


def wanting(value: str) -> Template:
    place = Component("1.6")
    return Template("site", (Wanted(place, Variable("MeterValueSampleInterval"), value),))


async def template_asked(world: World) -> FleetOrder:
    await templates.put_template(world, wanting("30"))
    what = What(TEMPLATE, "site", PLAN, templates.content_of(wanting("30")))
    made = await orders.roll_out(world, ApiTokens(world), named(world, "person/a"), what, MANY)
    assert isinstance(made, FleetOrder)
    return made


async def test_a_template_changed_before_it_is_approved_is_not_the_one_that_was_asked_for(world: World) -> None:
    order = await template_asked(world)
    await templates.put_template(world, wanting("1"))
    assert await refusal(world, order, named(world, "person/b")) == "template_changed"
    await templates.put_template(world, wanting("30"))
    done = await orders.decide(world, named(world, "person/b"), order.id, OrderState.APPROVED)
    assert done.state is OrderState.APPROVED


@pytest.mark.parametrize("bound", [True, False])
async def test_a_template_changed_after_it_was_approved_reaches_no_station(world: World, *, bound: bool) -> None:
    order = await template_asked(world)
    if not bound:
        known = await orders.find(world, order.id)
        assert known is not None
        loose = put(orders.ORDER, order.id, replace(known, parameters={}), world.now_ms(), active=True)
        await world.journal.commit(Batch(world.tenant, puts=(loose,)))
    done = await orders.decide(world, named(world, "person/b"), order.id, OrderState.APPROVED)
    await templates.put_template(world, wanting("1"))
    written: list[dict[str, Any]] = []
    told = {"configurationKey": [{"key": "MeterValueSampleInterval", "readonly": False, "value": "60"}]}

    def write(asked: dict[str, Any]) -> dict[str, Any]:
        written.append(asked)
        return {"status": "Accepted"}

    replies: dict[str, Any] = {"GetConfiguration": told, "ChangeConfiguration": write}
    world.lines = Answering(Version.V16, replies)
    running = Rollouts(world, WORKS)
    for _ in range(3):
        await running.round()
        await asyncio.gather(*running.tasks)
    members = await rollouts.members(world, done.rollout or "")
    if bound:
        assert {one.why for one in members.values()} == {"template_changed"}
        assert written == []
    else:
        assert {asked["value"] for asked in written} == {"1"}
