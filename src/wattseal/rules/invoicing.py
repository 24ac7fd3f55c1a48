"""How bills become an invoice: lines, VAT categories, and totals that hold EN 16931's rules and the ledger's cents.

EN 16931 wants the VAT of a rate computed once, from the sum of the lines (BR-CO-17). The ledger has charged VAT session
by session, each rounded. The breakdown is the standard's; what that differs from what was charged is the rounding
amount BT-114. So what was paid and what is due come to what was charged to the cent, however many lines there are.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from wattseal.base.errors import InputError
from wattseal.model.billing import Bill, BillState, TaxShare
from wattseal.model.invoice import (
    Buyer,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    LegalEntity,
    LinePart,
    Original,
    VatCategory,
    VatTotal,
)
from wattseal.model.ledger import Posting, PostingKind, Transfer
from wattseal.pricing.money import EXACT, minor_unit_digits, rounded
from wattseal.rules import chart
from wattseal.rules.charge_posting import minor, rate_text
from wattseal.rules.vat import canonical_vat

MAX_LINES = 10_000
"""Sessions on one invoice; what is left goes on the next one."""
MAX_DIGITS = 2
"""EN 16931 knows amounts of two digits after the point at most (BR-DEC)."""
COUNT_DIGITS = 6
ROUNDING_KEY = "invoice/"
"""Keys of the postings that even out rounding begin so; the number of the invoice follows."""
EU = (
    *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU"),
    *("IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
)
_PERCENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Session:
    """A bill with what its line shows beside it: the name of its place, that place's time zone, its receipt's id."""

    bill: Bill
    place: str
    zone: str
    receipt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What an invoice is before it has lines. `original` makes it a credit note; `paid`: from a balance or by card."""

    number: str
    on: date
    seller: LegalEntity
    buyer: Buyer
    account: str
    currency: str
    original: Original | None = None
    receipts: str | None = None
    paid: bool = False


def wants_invoice(bill: Bill) -> bool:
    """Return whether a bill is to go on an invoice: it stands, is on none yet, and something was charged."""
    return bill.state is BillState.BILLED and bill.invoice is None and any(share_counts(s) for s in bill.taxes)


def wants_credit(bill: Bill) -> bool:
    """Return whether a bill that is on an invoice was taken back and is on no credit note yet."""
    return bill.state is BillState.REVERSED and bill.invoice is not None and bill.credit_note is None


def share_counts(share: TaxShare) -> bool:
    """Return whether a part of a bill comes to anything."""
    return bool(share.net or share.tax)


def seller_of(entities: Sequence[LegalEntity], site: str | None) -> LegalEntity:
    """Return who sells a charge at a site: the entity that names it, else the first; without any an `InputError`."""
    if not entities:
        text = "no legal entity is configured; write one as [[billing.entities]]"
        raise InputError(text, code="no_entity", subject="billing.entities")
    return next((e for e in entities if site is not None and site in e.sites), entities[0])


def series_of(seller: LegalEntity, kind: InvoiceKind, on: date) -> str:
    """Return what the numbers of a seller's invoices or credit notes of a date begin with; each is a series."""
    pattern = seller.credit_series if kind is InvoiceKind.CREDIT_NOTE else seller.series
    return pattern.replace("{year}", f"{on.year:04d}")


def number_text(series: str, count: int) -> str:
    """Return the number of the `count`th document of a series, from 1 on."""
    return f"{series}{count:0{COUNT_DIGITS}d}"


def reverse_charge(seller: LegalEntity, buyer: Buyer) -> bool:
    """Return whether the buyer owes the VAT: both are businesses with VAT numbers, in two countries of the EU.

    Council Directive 2006/112/EC, articles 38, 39 and 195.
    """
    number = None if buyer.vat_id is None else canonical_vat(buyer.vat_id)
    countries = {seller.country, buyer.country}
    return number is not None and seller.vat_id is not None and len(countries) == 2 and countries <= set(EU)


def category_of(percent: Decimal | None, *, reverse: bool) -> VatCategory:
    """Return the category of a part of a bill. What was charged decides; no invoice takes VAT off again."""
    if percent is not None and percent > 0:
        return VatCategory.STANDARD
    if reverse:
        return VatCategory.REVERSE_CHARGE
    return VatCategory.EXEMPT if percent is None else VatCategory.ZERO


def taxed_though_reverse(invoice: Invoice) -> bool:
    """Return whether VAT was charged to a buyer who would owe it himself: the tariff should have been another one."""
    charged = any(total.category is VatCategory.STANDARD for total in invoice.vat)
    return charged and reverse_charge(invoice.seller, invoice.buyer)


def make_invoice(head: Head, sessions: Sequence[Session]) -> Invoice:
    """Return the invoice, or credit note, over `sessions`; they are of the head's account and currency.

    `InputError` where a currency has more digits than the standard knows, or there are no or too many sessions.
    """
    digits = minor_unit_digits(head.currency)
    if digits > MAX_DIGITS:
        text = f"EN 16931 knows no amounts in thousandths, so {head.currency} cannot be invoiced"
        raise InputError(text, code="currency_not_invoiced", subject="currency")
    if not 0 < len(sessions) <= MAX_LINES:
        raise InputError(f"an invoice has 1 to {MAX_LINES} lines", code="line_count", subject="lines")
    reverse = reverse_charge(head.seller, head.buyer)
    ordered = sorted(sessions, key=lambda s: (s.bill.started_ms, s.bill.id))
    lines = tuple(_line(n, session, reverse=reverse) for n, session in enumerate(ordered, start=1))
    vat = breakdown(lines, digits)
    charged = sum((line.gross for line in lines), Decimal(0))
    stated = sum((total.net + total.tax for total in vat), Decimal(0))
    kind = InvoiceKind.INVOICE if head.original is None else InvoiceKind.CREDIT_NOTE
    return Invoice(
        number=head.number,
        kind=kind,
        on=head.on,
        due=head.on + timedelta(days=head.seller.terms_days) if head.original is None and not head.paid else None,
        seller=head.seller,
        buyer=head.buyer,
        account=head.account,
        currency=head.currency,
        language=head.buyer.language or head.seller.language,
        lines=lines,
        vat=vat,
        rounding=charged - stated,
        paid=charged if head.paid else Decimal(0),
        original=head.original,
        receipts=head.receipts,
    )


def _line(number: int, session: Session, *, reverse: bool) -> InvoiceLine:
    bill = session.bill
    parts = [
        LinePart(
            category_of(share.percent, reverse=reverse),
            plain_percent(share.percent or Decimal(0)),
            share.net,
            share.tax,
        )
        for share in bill.taxes
        if share_counts(share)
    ]
    return InvoiceLine(
        number=number,
        bill=bill.id,
        place=session.place,
        station_id=bill.station_id,
        evse_id=bill.evse_id,
        started_ms=bill.started_ms,
        ended_ms=bill.ended_ms,
        zone=session.zone,
        energy_wh=bill.energy_wh,
        parts=tuple(parts),
        grade=bill.grade,
        source=bill.source,
        tariff_id=bill.tariff_id,
        receipt=session.receipt,
        ruled=bill.ruling is not None,
        corrected=bill.corrects is not None,
    )


def breakdown(lines: Iterable[InvoiceLine], digits: int) -> tuple[VatTotal, ...]:
    """Return the VAT breakdown: per category and rate the sum of nets, and its VAT rounded half up, once (BR-CO-17)."""
    nets: dict[tuple[VatCategory, Decimal], Decimal] = {}
    for line in lines:
        for part in line.parts:
            key = part.category, part.percent
            nets[key] = nets.get(key, Decimal(0)) + part.net
    order = tuple(VatCategory)
    return tuple(
        VatTotal(category, percent, net, rounded(EXACT.multiply(EXACT.multiply(net, percent), _PERCENT), digits))
        for (category, percent), net in sorted(nets.items(), key=lambda entry: (order.index(entry[0][0]), -entry[0][1]))
    )


def plain_percent(percent: Decimal) -> Decimal:
    """Return a rate in its one spelling: 19 for 19.00."""
    whole = percent.to_integral_value()
    return whole if percent == whole else percent.normalize()


def rounding_posting(invoice: Invoice, country: str, at_ms: int, record: str) -> Posting | None:
    """Return what brings the ledger's tax accounts to the VAT that the invoice states; None where they agree.

    `country` is the one whose taxes the bills bear, `record` the payload hash of the INVOICE record in hex.
    """
    sign = 1 if invoice.kind is InvoiceKind.INVOICE else -1
    transfers = []
    for total in invoice.vat:
        parts = [part for line in invoice.lines for part in line.parts]
        charged = sum((p.tax for p in parts if (p.category, p.percent) == (total.category, total.percent)), Decimal(0))
        more = sign * minor(total.tax - charged, invoice.currency)
        account = chart.tax(country, rate_text(total.percent))
        if more > 0:
            transfers.append(Transfer(chart.ROUNDING, account, more))
        elif more < 0:
            transfers.append(Transfer(account, chart.ROUNDING, -more))
    if not transfers:
        return None
    return Posting(
        key=ROUNDING_KEY + invoice.number,
        kind=PostingKind.ROUNDING,
        currency=invoice.currency,
        at_ms=at_ms,
        transfers=tuple(transfers),
        refs=(record,),
        memo=f"VAT of the sums, {invoice.number}",
    )
