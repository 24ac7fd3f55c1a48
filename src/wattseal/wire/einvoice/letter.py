"""What stands around an invoice's sessions: sender, recipient, reference block, the heads of later pages, the foot."""

from collections.abc import Iterator

from reportlab.lib.pagesizes import A4

from wattseal.model.invoice import Invoice
from wattseal.wire.einvoice.drawing import (
    ACCENT,
    ALARM,
    BOLD,
    GREY,
    INK,
    MM,
    REGULAR,
    RULE,
    Sheet,
    Style,
    fit,
    width_of,
    wrap,
)
from wattseal.wire.einvoice.times import local_day
from wattseal.wire.einvoice.words import Words

WIDTH, HEIGHT = A4
LEFT, RIGHT = 16 * MM, WIDTH - 16 * MM
FOOT = 27 * MM
"""Kept free at the bottom of each page."""
HEAD_NEXT = 24 * MM
"""Where a later page begins below its head."""
_NAME = Style(BOLD, 15, 18, ACCENT)
_SENDER = Style(REGULAR, 6.5, 8, GREY)
_ADDRESS = Style(REGULAR, 9.5, 12.5)
_TITLE = Style(BOLD, 17, 20)
_LABEL = Style(REGULAR, 8, 11.5, GREY)
_VALUE = Style(REGULAR, 8, 11.5, INK)
_FOOT = Style(REGULAR, 6.5, 8.2, GREY)
_INFO = 122 * MM
"""Where the reference block begins."""
_VALUES = _INFO + 27 * MM


def letterhead(sheet: Sheet | None, invoice: Invoice, words: Words) -> float:
    """Draw the head of the first page, or only measure it; return where the sessions begin."""
    seller = invoice.seller
    name = wrap(seller.name, _NAME, 100 * MM, lines=2)
    sender = wrap(f"{seller.name} · {seller.street} · {seller.postal_code} {seller.city}", _SENDER, 85 * MM, lines=1)
    address = [line for part in _recipient(invoice, words) for line in wrap(part, _ADDRESS, 85 * MM, lines=2)][:8]
    rows = [(label, wrap(value, _VALUE, RIGHT - _VALUES, lines=2)) for label, value in _references(invoice, words)]
    top = 47 * MM
    left_end = top + 8 * MM + len(address) * _ADDRESS.leading
    right_end = top + sum(len(lines) for _, lines in rows) * _VALUE.leading
    title = max(left_end, right_end, 88 * MM) + 10 * MM
    if sheet is not None:
        sheet.area(0, 0, WIDTH, 2.2 * MM, ACCENT)
        sheet.lines(LEFT, 21 * MM, name, _NAME)
        sheet.lines(LEFT, top, sender, _SENDER)
        sheet.lines(LEFT, top + 7 * MM, address, _ADDRESS)
        y = top
        for label, lines in rows:
            sheet.text(_INFO, y, label, _LABEL)
            y = sheet.lines(_VALUES, y, lines, _VALUE)
        sheet.text(LEFT, title, _title(invoice, words), _TITLE)
    below = title + 6 * MM
    for text, style in _subtitles(invoice, words):
        if sheet is not None:
            sheet.text(LEFT, below, text, style)
        below += style.leading
    return below + 1 * MM


def _title(invoice: Invoice, words: Words) -> str:
    return fit(f"{words.title(invoice)} {invoice.number}".strip(), _TITLE)


def _subtitles(invoice: Invoice, words: Words) -> Iterator[tuple[str, Style]]:
    if invoice.original is not None:
        text = words.credits.format(invoice.original.number, words.day(invoice.original.on))
        yield fit(text, _LABEL), Style(REGULAR, 9, 13, INK)
    if not invoice.number:
        yield words.preview, Style(BOLD, 11, 15, ALARM)


def _recipient(invoice: Invoice, words: Words) -> Iterator[str]:
    buyer = invoice.buyer
    yield buyer.name
    yield buyer.street
    yield f"{buyer.postal_code} {buyer.city}".strip()
    if buyer.country != invoice.seller.country:
        yield buyer.country
    if buyer.vat_id is not None:
        yield f"{words.vat_id} {buyer.vat_id}"


def _references(invoice: Invoice, words: Words) -> Iterator[tuple[str, str]]:
    zone = invoice.seller.time_zone
    if invoice.number:
        yield words.number, invoice.number
    yield words.on, words.day(invoice.on)
    start, end = local_day(invoice.started_ms, zone), local_day(invoice.ended_ms, zone)
    yield words.period, f"{words.day(start)} - {words.day(end)}"
    yield words.account, invoice.account
    if invoice.buyer.reference:
        yield words.reference, invoice.buyer.reference
    if invoice.due is not None:
        yield words.due, words.day(invoice.due)


def next_head(sheet: Sheet, invoice: Invoice, words: Words) -> float:
    """Draw the head of a later page; return where it begins."""
    sheet.area(0, 0, WIDTH, 2.2 * MM, ACCENT)
    bold = Style(BOLD, 9, 12)
    sheet.text(LEFT, 14 * MM, _title(invoice, words), bold)
    (name,) = wrap(invoice.seller.name, _LABEL, 80 * MM, lines=1) or [""]
    sheet.text(RIGHT, 14 * MM, f"{name} · {words.day(invoice.on)}", _LABEL, right=True)
    sheet.rule(LEFT, 17 * MM, RIGHT - LEFT)
    return HEAD_NEXT - 3 * MM


def footer(sheet: Sheet, invoice: Invoice, words: Words, page: str) -> None:
    """Draw the foot of a page: who sells, how to reach them, where to pay, which page it is."""
    seller = invoice.seller
    top = HEIGHT - 20 * MM
    sheet.rule(LEFT, top, RIGHT - LEFT, RULE)
    columns = (
        (seller.name, seller.street, f"{seller.postal_code} {seller.city}, {seller.country}"),
        (seller.contact or "", seller.phone or "", seller.email),
        (
            f"{words.vat_id} {seller.vat_id}" if seller.vat_id else "",
            f"{words.tax_number} {seller.tax_number}" if seller.tax_number else "",
            f"IBAN {seller.iban}" if seller.iban else "",
        ),
    )
    for place, column in enumerate(columns):
        y = top + 4 * MM
        for text in column:
            if text:
                sheet.lines(LEFT + place * 52 * MM, y, wrap(text, _FOOT, 49 * MM, lines=1), _FOOT)
                y += _FOOT.leading
    sheet.text(RIGHT - width_of(page, _FOOT), top + 4 * MM, page, _FOOT)
