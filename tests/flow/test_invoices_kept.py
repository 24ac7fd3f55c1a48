"""What is kept of invoices, for whom and how long; receipts lead to their bill alone."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.flow.test_invoices import records
from tests.support.bills import bill
from tests.support.cpo_world import TestClock
from tests.support.invoicing import (
    PAYER,
    SlowRenderer,
    customer,
    desk_of,
    issue_all,
    put_bills,
    selling_world,
)

from wattseal.base.errors import InputError, StoreError
from wattseal.flow.documents import put
from wattseal.flow.money.accounts import erase_payer
from wattseal.flow.money.bills import bill_of
from wattseal.flow.money.invoice_list import file_of, find_invoice, list_invoices
from wattseal.flow.money.kept_files import PART_BYTES, keep_file, read_file, sweep
from wattseal.flow.money.receipts import bill_of_receipt, known_receipt, receipt_of
from wattseal.flow.money.retention import erase, forget
from wattseal.flow.ports import Batch
from wattseal.flow.world import World
from wattseal.model.billing import BillState


async def test_receipts_are_long_random_and_lead_to_their_bill_alone() -> None:
    world = selling_world()
    one = bill(1, account=await customer(world))
    await put_bills(world, one)
    assert await known_receipt(world, one.id) is None
    made = await receipt_of(world, one)
    assert len(made) >= 22
    assert one.id not in made
    assert await receipt_of(world, one) == made
    assert await bill_of_receipt(world, made) == one
    assert await bill_of_receipt(world, one.id) is None
    await issue_all(desk_of(world))
    assert await known_receipt(world, one.id) == made


async def test_who_is_erased_can_still_be_credited_under_the_name_that_was_invoiced() -> None:
    world = selling_world()
    account = await customer(world)
    await put_bills(world, bill(1, account=account))
    (first,) = await issue_all(desk_of(world, SlowRenderer()))
    assert await erase_payer(world, account)
    taken = await bill_of(world, first.bills[0])
    assert taken is not None
    await put_bills(world, replace(taken, state=BillState.REVERSED))
    (note,) = await issue_all(desk_of(world, SlowRenderer()))
    xml = await file_of(world, note, "xml")
    assert xml is not None
    assert PAYER.name in xml.decode()


async def test_invoices_are_listed_by_number_and_by_account() -> None:
    world = selling_world()
    accounts = [await customer(world) for _ in range(2)]
    for n in range(6):
        await put_bills(world, bill(n, account=accounts[n % 2]))
        await issue_all(desk_of(world))
    page, after = await list_invoices(world, account=None, after="", limit=4)
    assert [one.count for one in page] == [1, 2, 3, 4]
    assert after is not None
    rest, after = await list_invoices(world, account=None, after=after, limit=4)
    assert ([one.count for one in rest], after) == ([5, 6], None)
    mine, _ = await list_invoices(world, account=accounts[0], after="", limit=10)
    assert [one.count for one in mine] == [1, 3, 5]


async def year_passes(world: World, year: int) -> None:
    assert isinstance(world.clock, TestClock)
    world.clock.at = world.clock.at.replace(year=year, month=1, day=1, hour=0)


async def test_copies_are_kept_for_ten_years_and_the_numbers_for_good() -> None:
    world = selling_world()
    await put_bills(world, bill(1, account=await customer(world)))
    (made,) = await issue_all(desk_of(world, SlowRenderer()))
    await year_passes(world, 2036)
    assert await forget(world) == 0
    assert await file_of(world, made, "pdf") is not None
    await year_passes(world, 2037)
    assert await forget(world) == 1
    assert await file_of(world, made, "pdf") is None
    assert await file_of(world, made, "xml") is None
    assert await world.journal.documents(world.tenant, "file_part") == ()
    assert await find_invoice(world, made.number) == replace(made, kept=False)
    assert await forget(world) == 0
    assert len(await records(world)) == 1


async def test_an_erasure_waits_for_sessions_that_are_still_to_be_invoiced() -> None:
    world = selling_world()
    account = await customer(world)
    await put_bills(world, bill(1, account=account))
    with pytest.raises(InputError) as told:
        await erase(world, account)
    assert told.value.code == "not_yet_invoiced"
    (made,) = await issue_all(desk_of(world, SlowRenderer()))
    assert await erase(world, account)
    assert PAYER.name.encode() in (await file_of(world, made, "xml") or b"")
    assert all(
        PAYER.name.encode() not in document.body
        for (kind, _), document in world.journal.documents_by_key.items()  # type: ignore[attr-defined] # in memory
        if kind != "file_part"
    )


async def test_files_that_nothing_came_to_refer_to_are_swept_after_a_day() -> None:
    world = selling_world()
    digest = await keep_file(world, b"x" * (PART_BYTES * 2 + 5))
    assert await read_file(world, digest) == b"x" * (PART_BYTES * 2 + 5)
    assert await sweep(world) == 0
    assert isinstance(world.clock, TestClock)
    world.clock.at += timedelta(days=2)
    assert await sweep(world) == 1
    assert await read_file(world, digest) is None
    assert await world.journal.documents(world.tenant, "file_part") == ()


async def test_a_file_whose_parts_were_spoilt_is_not_given_out() -> None:
    world = selling_world()
    digest = await keep_file(world, b"genuine")
    spoilt = put("file_part", f"{digest}/000000", {"data": "Zm9yZ2Vk", "count": 1}, 0)
    await world.journal.commit(Batch(world.tenant, puts=(spoilt,)))
    with pytest.raises(StoreError):
        await read_file(world, digest)
