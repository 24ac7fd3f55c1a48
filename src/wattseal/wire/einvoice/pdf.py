"""The invoice as people read it: A4, in German or English, each session with its evidence in plain words.

Fonts are embedded, text can be selected, nothing is fetched. The same invoice gives the same bytes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO

from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from wattseal.model.invoice import Invoice, InvoiceKind, InvoiceLine
from wattseal.wire.einvoice.drawing import BOLD, GREY, MM, PALE, REGULAR, Sheet, Style, fit, fonts, width_of, wrap
from wattseal.wire.einvoice.letter import FOOT, HEAD_NEXT, footer, letterhead, next_head
from wattseal.wire.einvoice.times import time_span
from wattseal.wire.einvoice.totals import totals_block
from wattseal.wire.einvoice.words import WORDS, Words

WIDTH, HEIGHT = A4
LEFT, RIGHT = 16 * MM, WIDTH - 16 * MM
_QR = 17 * MM
_GROSS = RIGHT - _QR - 3 * MM
_VAT = _GROSS - 19 * MM
_RATE = _VAT - 16 * MM
_NET = _RATE - 12 * MM
_KWH = _NET - 18 * MM
_TEXT = LEFT + 7 * MM
_TEXT_WIDTH = _KWH - 15 * MM - _TEXT
_WIDE = _NET - 2 * MM - _TEXT
_PLACE = Style(BOLD, 8.5, 11)
_DETAIL = Style(REGULAR, 7.2, 9.4)
_FIGURE = Style(REGULAR, 8.5, 11)
_GROSS_STYLE = Style(BOLD, 8.5, 11)
_HEADING = Style(BOLD, 7.2, 9, GREY)
_PAD = 2 * MM
_HEADING_HEIGHT = 7 * MM
_SMALL = Style(REGULAR, 7.2, 9.4, GREY)


@dataclass(frozen=True, slots=True)
class Block:
    """What is not broken between pages: its height, and how it is drawn below a y. `row`: it needs the table's head."""

    height: float
    draw: Callable[[Sheet, float], None]
    row: bool = False


def to_pdf(invoice: Invoice) -> bytes:
    """Return the pages; what is attached to them is added by `attach`."""
    fonts()
    words = WORDS[invoice.language]
    top = letterhead(None, invoice, words)
    pages = _paginate(_blocks(invoice, words), top)
    buffer = BytesIO()
    canvas = Canvas(buffer, pagesize=A4, invariant=1, initialFontName=REGULAR, pageCompression=1)
    canvas.setTitle(f"{words.title(invoice)} {invoice.number}")
    canvas.setAuthor(fit(invoice.seller.name, _FIGURE))
    for number, page in enumerate(pages, start=1):
        sheet = Sheet(canvas, HEIGHT)
        y = letterhead(sheet, invoice, words) if number == 1 else next_head(sheet, invoice, words)
        if page and page[0].row:
            y = _heading(sheet, y, words)
        for block in page:
            block.draw(sheet, y)
            y += block.height
        footer(sheet, invoice, words, f"{words.page} {number} {words.of} {len(pages)}")
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _paginate(blocks: Iterator[Block], top: float) -> list[list[Block]]:
    pages: list[list[Block]] = [[]]
    y = top + _HEADING_HEIGHT
    for block in blocks:
        if y + block.height > HEIGHT - FOOT and pages[-1]:
            pages.append([])
            y = HEAD_NEXT + (_HEADING_HEIGHT if block.row else 0)
        pages[-1].append(block)
        y += block.height
    return pages


def _blocks(invoice: Invoice, words: Words) -> Iterator[Block]:
    for line in invoice.lines:
        yield _row(invoice, line, words)
    height = totals_block(None, 0, invoice, words)
    yield Block(height, lambda sheet, y: _drop(totals_block(sheet, y, invoice, words)))
    for note in _notes(invoice, words):
        lines = wrap(note, _SMALL, RIGHT - LEFT)
        yield Block(
            len(lines) * _SMALL.leading + 1.5 * MM,
            lambda sheet, y, lines=lines: _drop(sheet.lines(LEFT, y + _SMALL.leading, lines, _SMALL)),  # type: ignore[misc] # a default binds
        )


def _drop(_value: float) -> None:
    """Draw for the drawing's sake."""


def _heading(sheet: Sheet, y: float, words: Words) -> float:
    sheet.area(LEFT, y, RIGHT - LEFT, 5.5 * MM, PALE)
    base = y + 3.8 * MM
    sheet.text(_TEXT, base, words.session, _HEADING)
    for x, text in (
        (_KWH, "kWh"),
        (_NET, words.net),
        (_RATE, words.rate_short),
        (_VAT, words.vat),
        (_GROSS, words.gross),
    ):
        sheet.text(x, base, text, _HEADING, right=True)
    sheet.text(RIGHT - (_QR + width_of(words.receipt, _HEADING)) / 2, base, words.receipt, _HEADING)
    return y + _HEADING_HEIGHT


def _row(invoice: Invoice, line: InvoiceLine, words: Words) -> Block:
    place = wrap(line.place, _PLACE, _TEXT_WIDTH, lines=2)
    width = _TEXT_WIDTH if len(line.parts) > 1 else _WIDE
    details = [
        *wrap(f"{time_span(line, words)} · {line.station_id} / {line.evse_id}", _DETAIL, width, lines=3),
        *wrap(f"{words.evidence} {words.proven(line.grade, line.source)}", _DETAIL, width),
        *wrap(f"{words.tariff} {line.tariff_id}", _DETAIL, width, lines=1),
        *(wrap(words.ruled, _DETAIL, width) if line.ruled else ()),
        *(wrap(words.corrected, _DETAIL, width) if line.corrected else ()),
        *wrap(f"{words.receipt} {line.receipt}", _DETAIL, width),
    ]
    text = len(place) * _PLACE.leading + len(details) * _DETAIL.leading
    figures = len(line.parts) * _FIGURE.leading
    height = max(text, figures, _QR) + 2 * _PAD

    def draw(sheet: Sheet, y: float) -> None:
        base = y + _PAD + _PLACE.size
        sheet.text(LEFT, base, str(line.number), _FIGURE)
        after = sheet.lines(_TEXT, base, place, _PLACE)
        sheet.lines(_TEXT, after - 1, details, _DETAIL)
        sheet.text(_KWH, base, words.kwh(line.energy_wh), _FIGURE, right=True)
        for n, part in enumerate(line.parts):
            at = base + n * _FIGURE.leading
            sheet.text(_NET, at, words.amount(part.net, invoice.currency), _FIGURE, right=True)
            sheet.text(_RATE, at, words.percent(part.percent), _FIGURE, right=True)
            sheet.text(_VAT, at, words.amount(part.tax, invoice.currency), _FIGURE, right=True)
        sheet.text(_GROSS, base, words.amount(line.gross, invoice.currency), _GROSS_STYLE, right=True)
        if invoice.receipts is not None:
            sheet.qr(RIGHT - _QR, y + _PAD, _QR, invoice.receipts + line.receipt)
        sheet.rule(LEFT, y + height, RIGHT - LEFT)

    return Block(height, draw, row=True)


def _notes(invoice: Invoice, words: Words) -> Iterator[str]:
    for total in invoice.vat:
        if why := words.why_untaxed(total.category, invoice.seller.exemption):
            yield f"{total.category.value} {words.percent(total.percent)}: {why}"
    if invoice.rounding:
        yield f"{words.rounding}: {words.rounding_why}"
    seller = invoice.seller
    if invoice.kind is InvoiceKind.CREDIT_NOTE:
        yield words.credited
    elif invoice.payable <= 0:
        yield words.paid_already
    elif invoice.due is not None and seller.iban is not None:
        due = f"{words.amount(invoice.payable, invoice.currency)} {invoice.currency}"
        yield words.pay_to.format(due, seller.name, seller.iban, invoice.number, words.day(invoice.due))
    yield words.proof
