"""An invoice, rendered: the e-invoice, and the PDF with everything in it."""

from collections.abc import Mapping
from dataclasses import dataclass

from wattseal.model.invoice import Invoice
from wattseal.wire.einvoice.attach import attach
from wattseal.wire.einvoice.cii import to_cii
from wattseal.wire.einvoice.pdf import to_pdf


@dataclass(frozen=True, slots=True)
class Rendered:
    """The bytes of an invoice."""

    xml: bytes
    pdf: bytes


def render(invoice: Invoice, bundles: Mapping[int, bytes]) -> Rendered:
    """Render an invoice with its lines' bundles, by line number. Takes milliseconds a line."""
    xml = to_cii(invoice)
    return Rendered(xml, attach(to_pdf(invoice), invoice, xml, bundles))
