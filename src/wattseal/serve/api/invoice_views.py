"""Invoices as the API shows them; amounts are text."""

from decimal import Decimal
from typing import Any

from wattseal.model.invoice import Invoice, InvoiceLine, Issued


def issued_view(issued: Issued) -> dict[str, Any]:
    """Return what was issued, without anybody's name."""
    return {
        "number": issued.number,
        "kind": issued.kind.value,
        "entity": issued.entity,
        "date": issued.on,
        "issued_at_ms": issued.at_ms,
        "account": issued.account,
        "currency": issued.currency,
        "net": amount(issued.net),
        "vat": amount(issued.tax),
        "rounding": amount(issued.rounding),
        "charged": amount(issued.charged),
        "paid": amount(issued.paid),
        "payable": amount(issued.charged - issued.paid),
        "credits": issued.credits,
        "started_at_ms": issued.started_ms,
        "ended_at_ms": issued.ended_ms,
        "sessions": list(issued.bills),
        "xml_sha256": issued.xml,
        "pdf_sha256": issued.pdf,
        "record": issued.record,
        "kept": issued.kept,
    }


def invoice_view(invoice: Invoice) -> dict[str, Any]:
    """Return an invoice that is not issued yet, with its lines."""
    return {
        "kind": invoice.kind.value,
        "entity": invoice.seller.id,
        "date": invoice.on.isoformat(),
        "due": None if invoice.due is None else invoice.due.isoformat(),
        "account": invoice.account,
        "buyer": invoice.buyer.name,
        "currency": invoice.currency,
        "net": amount(invoice.net),
        "vat": amount(invoice.tax),
        "rounding": amount(invoice.rounding),
        "charged": amount(invoice.charged),
        "paid": amount(invoice.paid),
        "payable": amount(invoice.payable),
        "credits": None if invoice.original is None else invoice.original.number,
        "vat_breakdown": [
            {
                "category": total.category.value,
                "percent": amount(total.percent),
                "net": amount(total.net),
                "vat": amount(total.tax),
            }
            for total in invoice.vat
        ],
        "lines": [_line(line) for line in invoice.lines],
    }


def _line(line: InvoiceLine) -> dict[str, Any]:
    return {
        "line": line.number,
        "session": line.session,
        "place": line.place,
        "station_id": line.station_id,
        "evse_id": line.evse_id,
        "started_at_ms": line.started_ms,
        "ended_at_ms": line.ended_ms,
        "energy_wh": amount(line.energy_wh),
        "net": amount(line.net),
        "vat": amount(line.tax),
        "charged": amount(line.gross),
        "grade": line.grade.name,
        "source": line.source.value,
        "tariff_id": line.tariff_id,
        "billed_by_decision": line.ruled,
        "corrected_by_decision": line.corrected,
    }


def amount(value: Decimal) -> str:
    """Return an exact decimal as text."""
    return format(value + 0, "f")
