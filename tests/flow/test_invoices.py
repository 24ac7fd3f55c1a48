"""Invoices are issued once, numbered without gaps, recorded with what they are, and never change."""

from dataclasses import replace
from decimal import Decimal

import pytest
from tests.support.bills import bill, share
from tests.support.cpo_world import TestClock
from tests.support.einvoice import assert_valid
from tests.support.invoicing import (
    PAYER,
    SlowRenderer,
    customer,
    desk_of,
    due,
    issue_all,
    put_bills,
    selling_world,
)
from tests.support.proving import troubles

from wattseal.base.errors import InputError
from wattseal.crypto.hashes import sha256
from wattseal.flow.documents import put
from wattseal.flow.fleet.sites import put_site
from wattseal.flow.money.bills import bill_of
from wattseal.flow.money.invoice_due import Wanted
from wattseal.flow.money.invoice_list import file_of, find_invoice
from wattseal.flow.money.invoices import issue
from wattseal.flow.money.ledger import accounts_of, post
from wattseal.flow.money.records import money_ready
from wattseal.flow.ports import Batch
from wattseal.flow.step import Step
from wattseal.flow.world import World
from wattseal.model.account import AccountKind
from wattseal.model.billing import BillState
from wattseal.model.invoice import InvoiceKind
from wattseal.model.ledger import Posting
from wattseal.model.site import Site
from wattseal.model.station import Station
from wattseal.rules import chart
from wattseal.rules.charge_posting import ChargeFor, charge_posting
from wattseal.seal.groups import Content
from wattseal.seal.invoice import InvoiceSaid, bills_hash
from wattseal.seal.item import Group, Item, Kind, parse_item
from wattseal.wire.einvoice.attach import InvoiceFile

PERSONAL = (PAYER.name, PAYER.address, PAYER.city, PAYER.postal_code, "mail.example")


async def records(world: World) -> list[tuple[Item, InvoiceSaid]]:
    """Return the INVOICE records, in the order of commits, with what each says."""
    found = []
    for kept in await world.journal.replay(world.tenant, 0, 10_000):
        if kept.item.kind == Kind.INVOICE:
            item = parse_item(kept.item.item)
            box = item.boxes[Group.OPS]
            assert isinstance(box, list)
            found.append((item, InvoiceSaid.read(Content.decode(box[2]).fields)))
    return found


async def test_an_invoice_is_numbered_recorded_and_noted_on_its_bills() -> None:
    world = selling_world()
    account = await customer(world)
    bills = [bill(n, account=account) for n in range(3)]
    await put_bills(world, *bills)
    (made,) = await issue_all(desk_of(world, SlowRenderer()))
    assert (made.number, made.on, made.charged, made.paid) == (
        "LW-2026-000001",
        "2026-12-01",
        Decimal("17.85"),
        Decimal(0),
    )
    ((item, said),) = await records(world)
    assert (said.number, said.account, said.lines) == (made.number, account, 3)
    assert (said.net, said.tax, said.rounding) == (made.net, made.tax, made.rounding)
    assert (item.hash.hex(), said.xml.hex(), said.pdf.hex()) == (made.record, made.xml, made.pdf)
    assert said.bills == bills_hash([one.evidence for one in bills])
    for one in bills:
        kept = await bill_of(world, one.id)
        assert kept is not None
        assert kept.invoice == made.number
    assert await due(world) == []
    assert await troubles(world) == []


async def test_the_files_are_those_whose_hashes_are_recorded_and_they_are_valid() -> None:
    world = selling_world()
    await put_bills(world, bill(1, account=await customer(world)))
    (made,) = await issue_all(desk_of(world, SlowRenderer()))
    xml, pdf = await file_of(world, made, "xml"), await file_of(world, made, "pdf")
    assert xml is not None
    assert pdf is not None
    assert (sha256(xml).hex(), sha256(pdf).hex()) == (made.xml, made.pdf)
    assert InvoiceFile(pdf).xml == xml
    assert_valid(xml)


async def test_no_record_and_no_lasting_document_names_a_person() -> None:
    world = selling_world()
    await put_bills(world, bill(1, account=await customer(world)))
    (made,) = await issue_all(desk_of(world, SlowRenderer()))
    kept = await world.journal.replay(world.tenant, 0, 10_000)
    (document,) = await world.journal.documents(world.tenant, "invoice")
    for text in PERSONAL:
        assert all(text.encode() not in entry.item.item for entry in kept)
        assert text.encode() not in document.body
    assert PAYER.name.encode() in (await file_of(world, made, "xml") or b"")


async def test_numbers_are_by_entity_kind_and_year() -> None:
    world = selling_world()
    account = await customer(world)
    site = Site(
        id="SOUTH",
        name="Süd",
        address="Weg 1",
        city="Ulm",
        country="DEU",
        latitude="48.00000",
        longitude="9.00000",
        time_zone="Europe/Berlin",
    )
    await put_site(world, site)
    station = put("station", "st2", Station(id="ST2", site="SOUTH"), 0, station_id="ST2")
    await world.journal.commit(Batch(world.tenant, puts=(station,)))
    await put_bills(world, bill(1, account=account), bill(2, account=account, station_id="ST2"))
    assert [one.number for one in await issue_all(desk_of(world))] == ["AG-000001", "LW-2026-000001"]
    assert isinstance(world.clock, TestClock)
    world.clock.at = world.clock.at.replace(year=2027)
    await put_bills(world, bill(3, account=account))
    assert [one.number for one in await issue_all(desk_of(world))] == ["LW-2027-000001"]


async def test_three_currencies_and_two_countries_are_four_invoices() -> None:
    world = selling_world()
    account = await customer(world)
    await put_bills(world, *(bill(n, account=account, currency=c) for n, c in enumerate(("EUR", "CHF", "SEK", "EUR"))))
    await put_bills(world, replace(bill(9, account=account), country="FR"))
    made = await issue_all(desk_of(world))
    assert [one.currency for one in made] == ["CHF", "EUR", "EUR", "SEK"]
    assert [len(one.bills) for one in made] == [1, 2, 1, 1]
    assert [one.count for one in made] == [1, 2, 3, 4]


async def test_only_sessions_of_the_period_are_invoiced() -> None:
    world = selling_world()
    account = await customer(world)
    old, new = bill(1, account=account), bill(2, account=account, day=40)
    await put_bills(world, old, new)
    (group,) = await due(world, Wanted(account, until_ms=new.ended_ms))
    assert [one.id for one in group.bills] == [old.id]
    (group,) = await due(world, Wanted(account, since_ms=old.ended_ms + 1))
    assert [one.id for one in group.bills] == [new.id]
    assert await due(world, Wanted("0" * 32)) == []


async def test_free_and_reversed_bills_are_on_no_invoice() -> None:
    world = selling_world()
    account = await customer(world)
    free = bill(1, share("0", "19"), account=account)
    await put_bills(world, free, bill(2, account=account, state=BillState.REVERSED))
    assert await due(world) == []


async def test_a_bill_taken_back_after_invoicing_gets_a_credit_note_that_refers_to_the_original() -> None:
    world = selling_world()
    account = await customer(world)
    await put_bills(world, bill(1, account=account), bill(2, account=account))
    (first,) = await issue_all(desk_of(world))
    taken = await bill_of(world, first.bills[1])
    assert taken is not None
    await put_bills(world, replace(taken, state=BillState.REVERSED, credit="c1"))
    (note,) = await issue_all(desk_of(world, SlowRenderer()))
    assert (note.kind, note.number, note.credits) == (InvoiceKind.CREDIT_NOTE, "LWG-2026-000001", first.number)
    assert note.bills == (taken.id,)
    (_, original), (item, said) = await records(world)
    assert (said.credits, item.payload.refs) == (first.number, (bytes.fromhex(first.record),))
    assert original.number == first.number
    assert await find_invoice(world, first.number) == first
    assert await due(world) == []
    xml = await file_of(world, note, "xml")
    assert xml is not None
    assert_valid(xml)
    kept = await bill_of(world, taken.id)
    assert kept is not None
    assert (kept.invoice, kept.credit_note) == (first.number, note.number)


async def test_what_a_prepaid_account_pays_is_paid() -> None:
    world = selling_world()
    await put_bills(world, bill(1, account=await customer(world, AccountKind.PREPAID)))
    (made,) = await issue_all(desk_of(world))
    assert made.paid == made.charged == Decimal("5.95")


async def test_without_a_payer_nothing_is_issued_and_no_number_is_used() -> None:
    world = selling_world()
    await put_bills(world, bill(1, account=await customer(world, payer=None)), bill(2, account="house"))
    for group in await due(world):
        with pytest.raises(InputError) as told:
            await issue(desk_of(world), group)
        assert told.value.code == "no_payer"
    account = await customer(world)
    await put_bills(world, bill(3, account=account))
    (group,) = await due(world, Wanted(account))
    assert (await issue(desk_of(world), group)).count == 1


async def test_the_ledger_owes_the_vat_that_the_invoice_states() -> None:
    world = selling_world()
    account = await customer(world)
    bills = [bill(n, share("0.03", "19"), account=account) for n in range(100)]
    for one in bills:
        charge = ChargeFor(bytes.fromhex(one.evidence), account, "EUR", "DE", one.taxes, {}, (), 0, one.id, ())
        await posted(world, charge_posting(charge))
    await put_bills(world, *bills)
    assert await balance(world, "tax/DE/19") == 100
    (made,) = await issue_all(desk_of(world))
    assert (made.tax, made.rounding) == (Decimal("0.57"), Decimal("0.43"))
    assert await balance(world, "tax/DE/19") == 57
    assert await balance(world, chart.ROUNDING) == -43
    assert await troubles(world) == []


async def posted(world: World, posting: Posting | None) -> None:
    assert posting is not None
    await money_ready(world)
    await world.books.ready(posting.currency, accounts_of(posting), (posting.key,))
    step = Step(world, "", world.now_ms())
    assert post(step, posting)
    await step.commit()


async def balance(world: World, account: str) -> int:
    await world.books.ready("EUR", (account,))
    return world.books.balance(account, "EUR")
