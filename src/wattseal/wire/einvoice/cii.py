"""The e-invoice: EN 16931 as UN/CEFACT Cross Industry Invoice (Factur-X 1.0, profile EN 16931).

A session is a line of quantity 1, so that its net amount is exact; energy, times, evidence and receipt are item
attributes (BG-32) under names of `Attribute`. A session under several rates is one line a rate: `3.1`, `3.2`, of which
the first has the attributes.
"""

from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from xml.etree.ElementTree import tostring

from drafthorse.models.accounting import ApplicableTradeTax, MonetarySummation
from drafthorse.models.document import Document
from drafthorse.models.note import IncludedNote
from drafthorse.models.party import TaxRegistration, TradeParty
from drafthorse.models.payment import PaymentMeans, PaymentTerms
from drafthorse.models.product import ProductCharacteristic
from drafthorse.models.trade import TradeSettlement
from drafthorse.models.tradelines import LineItem

from wattseal.base.text import one_line
from wattseal.model.invoice import Buyer, Invoice, InvoiceKind, InvoiceLine, LegalEntity, LinePart, VatCategory
from wattseal.pricing.money import minor_unit_digits
from wattseal.wire.einvoice.times import local_day, time_span
from wattseal.wire.einvoice.words import WORDS, Words

GUIDELINE = "urn:cen.eu:en16931:2017"
_TYPES = {InvoiceKind.INVOICE: "380", InvoiceKind.CREDIT_NOTE: "381"}
_EMAIL, _TRANSFER, _UNDEFINED, _ONE, _VAT = "EM", "58", "1", "C62", "VAT"
_REVERSE_CODE = "VATEX-EU-AE"


class Attribute(StrEnum):
    """Names of the item attributes that carry what a line is proven by; the same in every language."""

    SESSION = "Session"
    ENERGY_WH = "Energy Wh"
    START = "Start"
    END = "End"
    STATION = "Station"
    EVSE = "EVSE"
    TARIFF = "Tariff"
    GRADE = "Evidence grade"
    SOURCE = "Evidence source"
    CHARGED = "Charged including VAT"
    RECEIPT = "Receipt"
    RULED = "Billed by decision"
    CORRECTED = "Corrected by decision"


def to_cii(invoice: Invoice) -> bytes:
    """Return the invoice as XML in UTF-8."""
    words = WORDS[invoice.language]
    document = Document()
    document.context.guideline_parameter.id = GUIDELINE
    document.header.id = invoice.number
    document.header.type_code = _TYPES[invoice.kind]
    document.header.issue_date_time = invoice.on
    if invoice.rounding:
        note = IncludedNote()
        note.content = words.rounding_why
        document.header.notes.add(note)
    for line in invoice.lines:
        for place, part in enumerate(line.parts, start=1):
            number = str(line.number) if len(line.parts) == 1 else f"{line.number}.{place}"
            attributes = _attributes(invoice, line) if place == 1 else [(Attribute.SESSION, line.session)]
            document.trade.items.add(_item(invoice, line, part, number, attributes))
    agreement = document.trade.agreement
    if invoice.buyer.reference:
        agreement.buyer_reference = one_line(invoice.buyer.reference)
    _seller(agreement.seller, invoice.seller)
    _buyer(agreement.buyer, invoice.buyer)
    document.trade.delivery.event.occurrence = local_day(invoice.ended_ms, invoice.seller.time_zone)
    _settlement(document.trade.settlement, invoice, words)
    xml: bytes = tostring(document.to_etree(), "utf-8", xml_declaration=True)
    return xml


def _item(
    invoice: Invoice, line: InvoiceLine, part: LinePart, number: str, attributes: list[tuple[Attribute, str]]
) -> LineItem:
    words = WORDS[invoice.language]
    item = LineItem()
    item.document.line_id = number
    item.product.name = words.session
    item.product.description = one_line(f"{line.place}, {line.station_id} / {line.evse_id}, {time_span(line, words)}")
    for name, value in attributes:
        characteristic = ProductCharacteristic()
        characteristic.description = name.value
        characteristic.value = value
        item.product.characteristics.add(characteristic)
    item.agreement.net.amount = _money(invoice, abs(part.net))
    item.delivery.billed_quantity = (Decimal(-1 if part.net < 0 else 1), _ONE)
    item.settlement.trade_tax.type_code = _VAT
    item.settlement.trade_tax.category_code = part.category.value
    item.settlement.trade_tax.rate_applicable_percent = _plain(part.percent)
    item.settlement.period.start = local_day(line.started_ms, line.zone)
    item.settlement.period.end = local_day(line.ended_ms, line.zone)
    item.settlement.monetary_summation.total_amount = _money(invoice, part.net)
    return item


def _attributes(invoice: Invoice, line: InvoiceLine) -> list[tuple[Attribute, str]]:
    found = [
        (Attribute.SESSION, line.session),
        (Attribute.ENERGY_WH, _plain(line.energy_wh)),
        (Attribute.START, _instant(line.started_ms)),
        (Attribute.END, _instant(line.ended_ms)),
        (Attribute.STATION, one_line(line.station_id)),
        (Attribute.EVSE, str(line.evse_id)),
        (Attribute.TARIFF, one_line(line.tariff_id)),
        (Attribute.GRADE, line.grade.name),
        (Attribute.SOURCE, line.source.value),
        (Attribute.CHARGED, _money(invoice, line.gross)),
        (Attribute.RECEIPT, f"{invoice.receipts or ''}{line.receipt}"),
    ]
    if line.ruled:
        found.append((Attribute.RULED, "yes"))
    if line.corrected:
        found.append((Attribute.CORRECTED, "yes"))
    return [(name, value) for name, value in found if value]


def _seller(party: TradeParty, seller: LegalEntity) -> None:
    if seller.vat_id is None:
        party.id = seller.id
    party.name = one_line(seller.name)
    party.contact.person_name = one_line(seller.contact or seller.name)
    if seller.phone:
        party.contact.telephone.number = one_line(seller.phone)
    party.contact.email.address = one_line(seller.email)
    _address(party, seller.street, seller.postal_code, seller.city, seller.country)
    party.electronic_address.uri_ID = (_EMAIL, one_line(seller.email))
    _registered(party, "FC", seller.tax_number)
    _registered(party, "VA", seller.vat_id)


def _buyer(party: TradeParty, buyer: Buyer) -> None:
    party.name = one_line(buyer.name) or "-"
    _address(party, buyer.street, buyer.postal_code, buyer.city, buyer.country)
    if buyer.email and one_line(buyer.email):
        party.electronic_address.uri_ID = (_EMAIL, one_line(buyer.email))
    _registered(party, "VA", buyer.vat_id)


def _registered(party: TradeParty, scheme: str, number: str | None) -> None:
    if number is None:
        return
    registration = TaxRegistration()
    registration.id = (scheme, one_line(number).replace(" ", "") if scheme == "VA" else one_line(number))
    party.tax_registrations.add(registration)


def _address(party: TradeParty, street: str, postal_code: str, city: str, country: str) -> None:
    if one_line(postal_code):
        party.address.postcode = one_line(postal_code)
    if one_line(street):
        party.address.line_one = one_line(street)
    if one_line(city):
        party.address.city_name = one_line(city)
    party.address.country_id = country


def _settlement(s: TradeSettlement, invoice: Invoice, words: Words) -> None:
    seller = invoice.seller
    s.payment_reference = invoice.number
    s.currency_code = invoice.currency
    means = PaymentMeans()
    means.type_code = _UNDEFINED if seller.iban is None else _TRANSFER
    if seller.iban is not None:
        means.payee_account.iban = seller.iban.replace(" ", "")
        means.payee_account.account_name = one_line(seller.name)
    s.payment_means.add(means)
    for total in invoice.vat:
        tax = ApplicableTradeTax()
        tax.calculated_amount = _money(invoice, total.tax)
        tax.type_code = _VAT
        why = words.why_untaxed(total.category, seller.exemption)
        if why and total.category is not VatCategory.ZERO:
            tax.exemption_reason = one_line(why)
        tax.basis_amount = _money(invoice, total.net)
        tax.category_code = total.category.value
        if total.category is VatCategory.REVERSE_CHARGE:
            tax.exemption_reason_code = _REVERSE_CODE
        tax.rate_applicable_percent = _plain(total.percent)
        s.trade_tax.add(tax)
    s.period.start = local_day(invoice.started_ms, seller.time_zone)
    s.period.end = local_day(invoice.ended_ms, seller.time_zone)
    _terms(s, invoice, words)
    _sums(s.monetary_summation, invoice)
    if invoice.original is not None:
        s.invoice_referenced_document.issuer_assigned_id = invoice.original.number
        s.invoice_referenced_document.issue_date_time = invoice.original.on


def _terms(s: TradeSettlement, invoice: Invoice, words: Words) -> None:
    terms = PaymentTerms()
    if invoice.kind is InvoiceKind.CREDIT_NOTE:
        terms.description = words.credited
    elif not invoice.payable:
        terms.description = words.paid_already
    if invoice.due is not None:
        terms.due = invoice.due
    s.terms.add(terms)


def _sums(s: MonetarySummation, invoice: Invoice) -> None:
    s.line_total = _money(invoice, invoice.net)
    s.tax_basis_total = _money(invoice, invoice.net), None
    s.tax_total = _money(invoice, invoice.tax), invoice.currency
    if invoice.rounding:
        s.rounding_amount = _money(invoice, invoice.rounding)
    s.grand_total = _money(invoice, invoice.gross), None
    if invoice.paid:
        s.prepaid_total = _money(invoice, invoice.paid)
    s.due_amount = _money(invoice, invoice.payable)


def _money(invoice: Invoice, amount: Decimal) -> str:
    """Return an amount with the digits of its currency; zero has no sign."""
    return f"{amount + 0:.{minor_unit_digits(invoice.currency)}f}"


def _plain(value: Decimal) -> str:
    return format(value, "f")


def _instant(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
