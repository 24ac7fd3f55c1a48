"""An invoice, rendered: the e-invoice, and the PDF with everything in it."""

from collections.abc import Mapping
from dataclasses import dataclass

from wattseal.model.invoice import Invoice


@dataclass(frozen=True, slots=True)
class Rendered:
    """The bytes of an invoice."""

    xml: bytes
    pdf: bytes


def render(invoice: Invoice, bundles: Mapping[int, bytes]) -> Rendered:
    """Render an invoice with its lines' bundles, by line number. Takes milliseconds a line."""
    from wattseal.wire.einvoice.attach import attach  # noqa: PLC0415 - the libraries for PDF are slow to import
    from wattseal.wire.einvoice.cii import to_cii  # noqa: PLC0415 - same
    from wattseal.wire.einvoice.pdf import to_pdf  # noqa: PLC0415 - same

    xml = to_cii(invoice)
    return Rendered(xml, attach(to_pdf(invoice), invoice, xml, bundles))
