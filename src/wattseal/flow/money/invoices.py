"""Invoices issued: the number, the signed record, the documents and the bills' own notes of it are one commit.

The next number of a series is read and used while nobody else issues in that series. A commit that fails has used no
number; one that succeeds has used it for good. What is issued never changes: a credit note takes it back.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Protocol
from zoneinfo import ZoneInfo

from wattseal.base.errors import InputError
from wattseal.flow.charges.bundling import NotYet, Proofs, assemble
from wattseal.flow.claims import claimed
from wattseal.flow.documents import TRANSACTION, read
from wattseal.flow.money.accounts import account_of, payer_of
from wattseal.flow.money.bills import bill_of, keep_bill
from wattseal.flow.money.invoice_due import Group, Places
from wattseal.flow.money.invoice_list import documents_of, find_invoice, used
from wattseal.flow.money.kept_files import keep_file, read_file
from wattseal.flow.money.ledger import accounts_of, post
from wattseal.flow.money.receipts import known_receipt, new_receipt
from wattseal.flow.money.records import append_money, money_ready
from wattseal.flow.step import Step
from wattseal.flow.world import World
from wattseal.model.account import Payer
from wattseal.model.billing import Bill
from wattseal.model.invoice import SUBJECT_DIGITS, Buyer, Invoice, InvoiceKind, Issued, LegalEntity, Original
from wattseal.model.transaction import Transaction
from wattseal.rules.invoicing import (
    Head,
    Session,
    make_invoice,
    number_text,
    rounding_posting,
    series_of,
    wants_credit,
    wants_invoice,
)
from wattseal.seal.invoice import InvoiceSaid, bills_hash
from wattseal.seal.item import Kind
from wattseal.wire.einvoice.read import read_buyer
from wattseal.wire.einvoice.render import Rendered, render

UTC_ZONE = "UTC"


class Renderer(Protocol):
    """Who turns invoices into files; it takes its time."""

    async def render(self, invoice: Invoice, bundles: Mapping[int, bytes]) -> Rendered:
        """Return the files of an invoice."""


class RenderHere:
    """Renders at once, while everything else waits."""

    async def render(self, invoice: Invoice, bundles: Mapping[int, bytes]) -> Rendered:
        """Return the files of an invoice."""
        return render(invoice, bundles)


@dataclass(frozen=True, slots=True)
class Desk:
    """What issuing works with."""

    world: World
    proofs: Proofs
    renderer: Renderer


async def preview(desk: Desk, group: Group) -> Invoice:
    """Return what would be issued, without a number; nothing is kept."""
    return await _draft(desk, group, number="", receipts={bill.id: "" for bill in group.bills})


async def issue(desk: Desk, group: Group) -> Issued:
    """Issue an invoice, or credit note, over a group of bills; durable on return.

    Codes of the `InputError`: `being_issued` (somebody issues in that series), `being_decided` (a bill is just being
    taken back), `nothing_to_issue`, `no_payer` (say whom it is made out to), `awaiting_checkpoint` (the log's next
    cosigned checkpoint proves the sessions), and those of `make_invoice`. Nothing has a number then.
    """
    world = desk.world
    seller = _entity(world, group.entity)
    kind = InvoiceKind.INVOICE if group.original is None else InvoiceKind.CREDIT_NOTE
    on = today(world, seller)
    series = series_of(seller, kind, on)
    with _claimed(world, series, group.bills):
        bills = await _still_open(world, group)
        count = await used(world, series) + 1
        number = number_text(series, count)
        made = {bill.id: await known_receipt(world, bill.id) for bill in bills}
        drawn = {key: new_receipt(world, key, world.now_ms()) for key, known in made.items() if known is None}
        receipts = {key: known or drawn[key][0] for key, known in made.items()}
        invoice = await _draft(desk, replace(group, bills=bills), number, receipts)
        rendered = await desk.renderer.render(invoice, await _bundles(desk, invoice))
        xml, pdf = await keep_file(world, rendered.xml), await keep_file(world, rendered.pdf)
        original = None if group.original is None else await find_invoice(world, group.original)
        await _unchanged(world, bills)
        await _ready(world, invoice, bills)
        step = Step(world, "", world.now_ms())
        issued = replace(_issued(invoice), series=series, count=count, at_ms=step.now_ms, xml=xml, pdf=pdf)
        issued = _record(step, issued, invoice, bills, original)
        rounding = rounding_posting(invoice, group.country, step.now_ms, issued.record)
        if rounding is not None:
            post(step, rounding)
        step.puts.extend(documents_of(issued, seller.time_zone, world.settings.retention))
        step.puts.extend(document for _, documents in drawn.values() for document in documents)
        for bill in bills:
            noted = replace(bill, invoice=number) if original is None else replace(bill, credit_note=number)
            keep_bill(step, noted)
        await step.commit()
    world.count(f"{kind.value}_issued")
    return issued


@contextmanager
def _claimed(world: World, series: str, bills: Sequence[Bill]) -> Iterator[None]:
    """Keep others from issuing in the series, and from taking these bills back, meanwhile."""
    sessions = {bill.id[:SUBJECT_DIGITS] for bill in bills}
    if series in world.numbering:
        text = "an invoice of this series is being issued right now; try again"
        raise InputError(text, code="being_issued", subject="series")
    with claimed(world, sessions) as mine:
        if not mine:
            text = "one of these sessions is being decided on right now; try again"
            raise InputError(text, code="being_decided", subject="account")
        world.numbering.add(series)
        try:
            yield
        finally:
            world.numbering.discard(series)


async def _still_open(world: World, group: Group) -> tuple[Bill, ...]:
    """Return the group's bills as they are now, those that still want such a document."""
    wants = wants_invoice if group.original is None else wants_credit
    now = [await bill_of(world, bill.id) for bill in group.bills]
    found = tuple(bill for bill in now if bill is not None and wants(bill))
    if not found:
        raise InputError("none of these bills is to be invoiced any more", code="nothing_to_issue", subject="account")
    return found


async def _ready(world: World, invoice: Invoice, bills: Sequence[Bill]) -> None:
    """Have the chains and the books ready for what is about to be written."""
    await money_ready(world)
    rounding = rounding_posting(invoice, bills[0].country, world.now_ms(), "")
    if rounding is not None:
        await world.books.ready(invoice.currency, accounts_of(rounding), (rounding.key,))


async def _unchanged(world: World, bills: Sequence[Bill]) -> None:
    """Refuse to go on where a bill was taken back while the invoice was made."""
    for bill in bills:
        if await bill_of(world, bill.id) != bill:
            text = "a bill has changed while its invoice was made; try again"
            raise InputError(text, code="being_decided", subject="account")


def _entity(world: World, entity: str) -> LegalEntity:
    found = next((e for e in world.settings.billing.entities if e.id == entity), None)
    if found is None:
        raise InputError(f"no legal entity {entity!r} is configured", code="no_entity", subject="billing.entities")
    return found


def today(world: World, seller: LegalEntity) -> date:
    """Return the date where a seller is."""
    return world.clock.now().astimezone(ZoneInfo(seller.time_zone)).date()


async def _draft(desk: Desk, group: Group, number: str, receipts: Mapping[str, str]) -> Invoice:
    world = desk.world
    seller = _entity(world, group.entity)
    account = await account_of(world, group.account)
    original = None if group.original is None else await find_invoice(world, group.original)
    head = Head(
        number=number,
        on=today(world, seller),
        seller=seller,
        buyer=await _buyer(world, group.account, seller, original),
        account=group.account,
        currency=group.currency,
        original=None if original is None else Original(original.number, date.fromisoformat(original.on)),
        receipts=world.settings.receipts_url(),
        paid=account is not None and account.prepaid and original is None,
    )
    places = Places(world)
    sessions = []
    for bill in group.bills:
        site = await places.of(bill.station_id)
        place, zone = ("", UTC_ZONE) if site is None else (f"{site.name}, {site.city}", site.time_zone)
        sessions.append(Session(bill, place or bill.station_id, zone, receipts[bill.id]))
    return make_invoice(head, sessions)


async def _buyer(world: World, account_id: str, seller: LegalEntity, original: Issued | None) -> Buyer:
    """Return whom it is made out to; a credit note for somebody since erased repeats its original."""
    account = await account_of(world, account_id)
    payer = None if account is None else await payer_of(world, account)
    if payer is not None:
        return buyer_of(payer, seller)
    xml = None if original is None else await read_file(world, original.xml)
    if xml is not None:
        return read_buyer(xml)
    text = f"say whom invoices of {account_id} are made out to: PUT /api/v1/accounts/{account_id}/payer"
    raise InputError(text, code="no_payer", subject="account")


def buyer_of(payer: Payer, seller: LegalEntity) -> Buyer:
    """Return a payer as an invoice of `seller` names them."""
    return Buyer(
        name=payer.name,
        street=payer.address,
        postal_code=payer.postal_code,
        city=payer.city,
        country=payer.country or seller.country,
        vat_id=payer.vat_id,
        email=payer.email,
        reference=payer.reference,
    )


async def _bundles(desk: Desk, invoice: Invoice) -> dict[int, bytes]:
    """Return the bundles of an invoice's lines; a session that is not in this journal has none."""
    world = desk.world
    found: dict[int, bytes] = {}
    for line in invoice.lines:
        document = await world.journal.document(world.tenant, TRANSACTION, line.session)
        if document is None:
            continue
        made = await assemble(world, desk.proofs, read(document, Transaction), billing_party=False)
        if isinstance(made, NotYet):
            text = "a session's evidence is not in a cosigned checkpoint yet; try again after the next one"
            raise InputError(text, code="awaiting_checkpoint", subject=line.session)
        found[line.number] = made.encode()
    return found


def _issued(invoice: Invoice) -> Issued:
    """Return what is kept of an invoice, as far as it says it itself."""
    return Issued(
        number=invoice.number,
        kind=invoice.kind,
        entity=invoice.seller.id,
        series="",
        count=0,
        on=invoice.on.isoformat(),
        at_ms=0,
        account=invoice.account,
        currency=invoice.currency,
        net=invoice.net,
        tax=invoice.tax,
        rounding=invoice.rounding,
        paid=invoice.paid,
        started_ms=invoice.started_ms,
        ended_ms=invoice.ended_ms,
        bills=tuple(line.bill for line in invoice.lines),
        xml="",
        pdf="",
        record="",
        credits=None if invoice.original is None else invoice.original.number,
    )


def _record(step: Step, issued: Issued, invoice: Invoice, bills: Sequence[Bill], original: Issued | None) -> Issued:
    """Write the INVOICE record; a credit note's refers to its original's."""
    evidence = {bill.id: bill.evidence for bill in bills}
    said = InvoiceSaid(
        number=issued.number,
        kind=issued.kind,
        on=issued.on,
        entity=issued.entity,
        account=issued.account,
        currency=issued.currency,
        net=issued.net,
        tax=issued.tax,
        rounding=issued.rounding,
        paid=issued.paid,
        xml=bytes.fromhex(issued.xml),
        pdf=bytes.fromhex(issued.pdf),
        bills=bills_hash([evidence[line.bill] for line in invoice.lines]),
        lines=len(invoice.lines),
        credits=issued.credits,
    )
    refs = () if original is None else (bytes.fromhex(original.record),)
    written = append_money(step, Kind.INVOICE, said.to_fields(), refs=refs)
    return replace(issued, record=written.hash.hex())
