"""The formats known here; the first whose `sniff` takes the bytes has them."""

from wattseal.evidence import edl40_mennekes, edl40_signed, edl40_sml, isa_edl40p, iso15118_receipt, ocmf, pcdf
from wattseal.evidence.format import Format

FORMATS: tuple[Format, ...] = (
    ocmf.FORMAT,
    pcdf.FORMAT,
    isa_edl40p.FORMAT,
    edl40_sml.FORMAT,
    edl40_signed.FORMAT,
    edl40_mennekes.FORMAT,
    iso15118_receipt.FORMAT,
)


def format_of(raw: bytes) -> Format | None:
    """Return the format of one record, None where no known one looks like it."""
    return next((candidate for candidate in FORMATS if candidate.sniff(raw)), None)
