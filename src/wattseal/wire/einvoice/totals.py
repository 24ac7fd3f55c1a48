"""The end of an invoice: VAT by rate beside the sums, down to what is to be paid."""

from decimal import Decimal

from reportlab.lib.pagesizes import A4

from wattseal.model.invoice import Invoice, InvoiceKind
from wattseal.wire.einvoice.drawing import ACCENT, BOLD, GREY, MM, PALE, REGULAR, RULE, Sheet, Style
from wattseal.wire.einvoice.words import Words

WIDTH, _ = A4
LEFT, RIGHT = 16 * MM, WIDTH - 16 * MM
_ROW = 5.2 * MM
_HEADING = Style(BOLD, 7.2, 9, GREY)
_FIGURE = Style(REGULAR, 8.5, 11)
_DUE = Style(BOLD, 11, 14, ACCENT)
_SUMS = 118 * MM
"""Where the sums begin."""
_RATE, _NET, _VAT, _GROSS = LEFT + 22 * MM, LEFT + 46 * MM, LEFT + 68 * MM, LEFT + 94 * MM


def totals_block(sheet: Sheet | None, y: float, invoice: Invoice, words: Words) -> float:
    """Draw VAT and sums below `y`, or only measure them; return their height."""
    sums = _sums(invoice, words)
    height = max((len(invoice.vat) + 1) * _ROW, len(sums) * _ROW + 9 * MM) + 12 * MM
    if sheet is None:
        return height
    top = y + 8 * MM
    _vat_table(sheet, top, invoice, words)
    for label, amount in sums:
        sheet.text(_SUMS, top, label, _FIGURE)
        sheet.text(
            RIGHT - 2 * MM, top, f"{words.amount(amount, invoice.currency)} {invoice.currency}", _FIGURE, right=True
        )
        top += _ROW
    sheet.area(_SUMS - 2 * MM, top - 2.6 * MM, RIGHT - _SUMS + 2 * MM, 9 * MM, PALE)
    credited = invoice.kind is InvoiceKind.CREDIT_NOTE
    label, amount = (words.given_back, invoice.charged) if credited else (words.payable, invoice.payable)
    sheet.text(_SUMS, top + 3.4 * MM, label, _DUE)
    sheet.text(
        RIGHT - 2 * MM, top + 3.4 * MM, f"{words.amount(amount, invoice.currency)} {invoice.currency}", _DUE, right=True
    )
    return height


def _vat_table(sheet: Sheet, top: float, invoice: Invoice, words: Words) -> None:
    for x, text in ((_RATE, words.rate), (_NET, words.net), (_VAT, words.vat), (_GROSS, words.gross)):
        sheet.text(x, top, text, _HEADING, right=True)
    sheet.rule(LEFT, top + 1.6 * MM, _GROSS - LEFT, RULE)
    for total in invoice.vat:
        top += _ROW
        sheet.text(LEFT, top, total.category.value, _FIGURE)
        sheet.text(_RATE, top, words.percent(total.percent), _FIGURE, right=True)
        for x, amount in ((_NET, total.net), (_VAT, total.tax), (_GROSS, total.net + total.tax)):
            sheet.text(x, top, words.amount(amount, invoice.currency), _FIGURE, right=True)


def _sums(invoice: Invoice, words: Words) -> list[tuple[str, Decimal]]:
    found = [
        (words.net_total, invoice.net),
        (words.vat_total, invoice.tax),
        (words.gross_total, invoice.gross),
    ]
    if invoice.rounding:
        found.append((words.rounding, invoice.rounding))
    if invoice.paid:
        found.append((words.paid, -invoice.paid))
    return found
