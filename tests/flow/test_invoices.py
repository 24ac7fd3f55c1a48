"""Invoices are issued once, numbered without gaps, recorded with what they are, and never change."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.bills import bill, share
from tests.support.cpo_world import TestClock
from tests.support.einvoice import assert_valid
from tests.support.examples import examples
from tests.support.invoicing import (
    PAYER,
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
from wattseal.crypto.hashes import sha256
from wattseal.flow.documents import put
from wattseal.flow.fleet.sites import put_site
from wattseal.flow.money.accounts import erase_payer
from wattseal.flow.money.bills import bill_of
from wattseal.flow.money.disputes import Verdict, decide
from wattseal.flow.money.invoice_due import Wanted
from wattseal.flow.money.invoice_list import file_of, find_invoice, list_invoices
from wattseal.flow.money.invoices import Desk, issue, preview
from wattseal.flow.money.kept_files import PART_BYTES, keep_file, read_file, sweep
from wattseal.flow.money.ledger import accounts_of, post
from wattseal.flow.money.receipts import bill_of_receipt, known_receipt, receipt_of
from wattseal.flow.money.records import money_ready
from wattseal.flow.money.retention import erase, forget
from wattseal.flow.ports import Batch
from wattseal.flow.step import Step
from wattseal.flow.world import World
from wattseal.model.account import AccountKind
from wattseal.model.billing import BillState
from wattseal.model.dispute import Claim, Dispute, DisputeVerdict
from wattseal.model.invoice import Invoice, InvoiceKind
from wattseal.model.ledger import Posting
from wattseal.model.site import Site
from wattseal.model.station import Station
from wattseal.rules import chart
from wattseal.rules.charge_posting import ChargeFor, charge_posting
from wattseal.seal.groups import Content
from wattseal.seal.invoice import InvoiceSaid, bills_hash
from wattseal.seal.item import Group, Item, Kind, parse_item
from wattseal.wire.einvoice.attach import InvoiceFile
from wattseal.wire.einvoice.render import Rendered

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
