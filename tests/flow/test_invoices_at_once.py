"""Invoices made at once, of bills that change meanwhile, while commits fail: no number is lost or used twice."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.flow.test_invoices import records
from tests.support.bills import bill
from tests.support.examples import examples
from tests.support.invoicing import (
    FlakyJournal,
    SlowRenderer,
    customer,
    desk_of,
    due,
    issue_all,
    issued,
    put_bills,
    selling_world,
)
from tests.support.no_proofs import NoProofs
from tests.support.proving import troubles

from wattseal.base.errors import InputError, StoreError
from wattseal.flow.documents import put
from wattseal.flow.money.bills import bill_of
from wattseal.flow.money.disputes import Verdict, decide
from wattseal.flow.money.invoice_list import file_of
from wattseal.flow.money.invoices import Desk, issue, preview
from wattseal.flow.ports import Batch
from wattseal.model.billing import BillState
from wattseal.model.dispute import Claim, Dispute, DisputeVerdict
from wattseal.model.invoice import Invoice
from wattseal.wire.einvoice.render import Rendered


@dataclass
class Meddling:
    """Has something happen while an invoice is rendered."""

    happens: Callable[[], Awaitable[object]]

    async def render(self, invoice: Invoice, bundles: Mapping[int, bytes]) -> Rendered:
        del bundles
        await self.happens()
        return Rendered(invoice.number.encode(), b"pdf of " + invoice.number.encode())


async def test_a_bill_taken_back_while_its_invoice_is_made_is_not_invoiced() -> None:
    world = selling_world()
    one = bill(1, account=await customer(world))
    await put_bills(world, one)
    (group,) = await due(world)
    desk = Desk(world, NoProofs(), Meddling(lambda: put_bills(world, replace(one, state=BillState.REVERSED))))
    with pytest.raises(InputError) as told:
        await issue(desk, group)
    assert told.value.code == "being_decided"
    assert await issued(world) == []
    assert await due(world) == []
    kept = await bill_of(world, one.id)
    assert kept is not None
    assert kept.state is BillState.REVERSED


async def test_no_dispute_is_decided_on_a_session_that_is_being_invoiced() -> None:
    world = selling_world()
    one = bill(1, account=await customer(world))
    await put_bills(world, one)
    (group,) = await due(world)
    dispute = Dispute(
        id="d",
        transaction=one.id,
        opened_by="MSP",
        opened_ms=0,
        due_ms=0,
        claim=Claim("x"),
        bundle="",
        verdict="",
        record="",
    )

    async def decided() -> None:
        with pytest.raises(InputError) as told:
            await decide(world, dispute, Verdict(DisputeVerdict.UPHELD, "Jo", "so"))
        assert told.value.code == "being_decided"

    assert (await issue(Desk(world, NoProofs(), Meddling(decided)), group)).count == 1


async def test_a_preview_uses_no_number_and_keeps_nothing() -> None:
    world = selling_world()
    await put_bills(world, bill(1, account=await customer(world)))
    (group,) = await due(world)
    before = dict(world.journal.documents_by_key)  # type: ignore[attr-defined] # a journal in memory
    shown = await preview(desk_of(world), group)
    assert (shown.number, shown.charged) == ("", Decimal("5.95"))
    assert world.journal.documents_by_key == before  # type: ignore[attr-defined] # same
    assert (await issue_all(desk_of(world)))[0].count == 1


async def test_two_at_once_in_one_series_are_one_after_the_other() -> None:
    world = selling_world()
    for n in range(2):
        await put_bills(world, bill(n, account=await customer(world)))
    first, second = await due(world)
    desk = desk_of(world, SlowRenderer())
    done = await asyncio.gather(issue(desk, first), issue(desk, second), return_exceptions=True)
    assert isinstance(done[1], InputError)
    assert done[1].code == "being_issued"
    assert (await issue(desk, second)).count == 2
    assert desk.renderer.rendered == ["LW-2026-000001", "LW-2026-000002"]  # type: ignore[attr-defined] # a slow one


async def test_a_bill_is_invoiced_once_however_often_it_is_asked_for() -> None:
    world = selling_world()
    await put_bills(world, bill(1, account=await customer(world)))
    (group,) = await due(world)
    await issue(desk_of(world), group)
    with pytest.raises(InputError) as told:
        await issue(desk_of(world), group)
    assert told.value.code == "nothing_to_issue"
    assert len(await issued(world)) == 1


async def test_a_bill_that_is_being_decided_waits() -> None:
    world = selling_world()
    one = bill(1, account=await customer(world))
    await put_bills(world, one)
    (group,) = await due(world)
    world.deciding.add(one.id)
    with pytest.raises(InputError) as told:
        await issue(desk_of(world), group)
    assert told.value.code == "being_decided"
    world.deciding.clear()
    await issue(desk_of(world), group)
    assert world.deciding == world.numbering == set()


@settings(max_examples=examples(60))
@given(
    failing=st.dictionaries(st.integers(1, 60), st.booleans(), max_size=12),
    orders=st.lists(st.integers(0, 3), min_size=1, max_size=12),
    together=st.booleans(),
)
def test_numbers_have_no_gaps_whatever_fails(failing: dict[int, bool], orders: list[int], *, together: bool) -> None:
    asyncio.run(_no_gaps(failing, orders, together=together))


async def _no_gaps(failing: dict[int, bool], orders: list[int], *, together: bool) -> None:
    journal = FlakyJournal()
    world = selling_world(journal)
    accounts = [await customer(world) for _ in range(4)]
    for n, which in enumerate(orders):
        await put_bills(world, bill(n, account=accounts[which]))
    journal.failing = {journal.asked + n: lost for n, lost in failing.items()}
    desk = desk_of(world)
    for _ in range(3):
        work = [issue(desk, group) for group in await due(world)]
        if together:
            await asyncio.gather(*work, return_exceptions=True)
        else:
            for order in work:
                await asyncio.gather(order, return_exceptions=True)
    journal.failing.clear()
    for group in await due(world):
        await issue(desk, group)
    made = await issued(world)
    assert [one.count for one in made] == list(range(1, len(made) + 1))
    assert [said.number for _, said in await records(world)] == [one.number for one in made]
    on_invoices = [key for one in made for key in one.bills]
    assert sorted(on_invoices) == sorted(bill(n, account=accounts[which]).id for n, which in enumerate(orders))
    for one in made:
        assert await file_of(world, one, "pdf") is not None
    assert await due(world) == []
    assert world.numbering == world.deciding == set()
    assert await troubles(world) == []


async def test_a_control_that_takes_the_number_first_leaves_a_gap_when_the_commit_fails() -> None:
    journal = FlakyJournal()
    world = selling_world(journal)
    await put_bills(world, bill(1, account=await customer(world)))
    (group,) = await due(world)
    journal.failing = {journal.asked + n: True for n in range(1, 3)}
    with pytest.raises(StoreError):
        await issue(desk_of(world), group)
    journal.failing.clear()
    taken_early = put("invoice_series", "LW-2026-", {"count": 1}, 0)
    await world.journal.commit(Batch(world.tenant, puts=(taken_early,)))
    assert (await issue(desk_of(world), group)).count == 2
