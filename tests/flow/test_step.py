"""A step that comes to nothing leaves no hole in a chain."""

import pytest
from tests.support.cpo_world import make_world
from tests.support.memory_journal import MemoryJournal

from wattseal.base.errors import InputError
from wattseal.flow.money.records import money_ready, write_money
from wattseal.flow.ports import Batch, Committed
from wattseal.flow.step import Step
from wattseal.flow.world import World
from wattseal.seal.item import Kind


class Refusing(MemoryJournal):
    """A journal that can be told to refuse what it is given."""

    refuses = False

    async def commit(self, batch: Batch) -> Committed:
        if self.refuses:
            raise InputError("not this one", code="refused", subject="batch")
        return await super().commit(batch)


async def numbers(world: World) -> list[int]:
    kept = await world.journal.replay(world.tenant)
    return [k.item.seq for k in kept if k.item.origin == world.billing_origin]


async def put_one(world: World) -> None:
    step = Step(world, "", world.now_ms())
    await write_money(step, Kind.ACCOUNT, {1: "one"})
    await step.commit()


async def test_a_step_that_is_dropped_leaves_no_hole() -> None:
    world = make_world()
    await put_one(world)
    step = Step(world, "", world.now_ms())
    await write_money(step, Kind.ACCOUNT, {1: "dropped"})
    await write_money(step, Kind.ACCOUNT, {1: "dropped too"})
    del step
    await put_one(world)
    assert await numbers(world) == [0, 1, 2]


async def test_a_step_that_fails_on_the_way_leaves_no_hole() -> None:
    world = make_world()

    async def fails() -> None:
        step = Step(world, "", world.now_ms())
        await write_money(step, Kind.ACCOUNT, {1: "first of its chain"})
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - any defect
        await fails()
    await put_one(world)
    assert await numbers(world) == [0, 1]


async def test_a_refused_commit_leaves_no_hole() -> None:
    journal = Refusing()
    world = make_world(journal)
    await put_one(world)
    journal.refuses = True
    with pytest.raises(InputError):
        await put_one(world)
    journal.refuses = False
    await put_one(world)
    assert await numbers(world) == [0, 1, 2]


async def test_what_was_put_on_top_stays_and_the_hole_is_counted() -> None:
    world = make_world()
    await money_ready(world)
    dropped = Step(world, "", world.now_ms())
    await write_money(dropped, Kind.ACCOUNT, {1: "dropped"})
    await put_one(world)
    del dropped
    assert world.counters["chain_not_taken_back"] == 1
