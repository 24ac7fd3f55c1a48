"""The receipt as a page: what a charge cost, for whoever holds the address, with a check that runs in the browser."""

from dataclasses import dataclass
from decimal import Decimal

from litestar import Response

from wattseal.model.billing import Bill, BillState
from wattseal.model.invoice import LegalEntity
from wattseal.model.site import Site
from wattseal.model.verdict import Grade, Source
from wattseal.serve.web.render import render_public
from wattseal.serve.web.texts import marked as _
from wattseal.serve.web.viewer import Req

GRADES = {
    Grade.G0: _("Nothing proves this charge."),
    Grade.G1: _("The operator logged it; no meter or station signed it."),
    Grade.G2: _("It was signed at its source."),
    Grade.G3: _("It was signed at its source, is in the public log, and witnesses confirmed that."),
    Grade.G4: _("It was signed at its source, is in the public log with witnesses, and was sealed from the operator."),
}
SOURCES = {
    Source.METER: _("the meter"),
    Source.STATION: _("the charging station"),
    Source.EDGE: _("a device at the station"),
    Source.CSMS: _("the operator's system"),
}


@dataclass(frozen=True, slots=True)
class Figures:
    """A bill's figures as its page has them; digits exactly, for the check holds them against the evidence."""

    energy_wh: str
    net: str
    charged: str
    ruled: bool


def receipt_page(
    request: Req, receipt: str, bill: Bill, site: Site | None, seller: LegalEntity | None
) -> Response[bytes]:
    """Return the page of a receipt; it names nobody, and its check asks for the bundle and the keys only."""
    charged = bill.total.before_tax if bill.total.after_tax is None else bill.total.after_tax
    figures = Figures(
        energy_wh=_digits(bill.energy_wh),
        net=_digits(bill.total.before_tax),
        charged=_digits(charged),
        ruled=bill.ruling is not None or bill.corrects is not None,
    )
    return render_public(
        request,
        "receipt.html",
        receipt=receipt,
        bill=bill,
        charged=charged,
        figures=figures,
        place=None if site is None else f"{site.name}, {site.address}, {site.city}",
        grade_words=GRADES[bill.grade],
        source_words=SOURCES[bill.source],
        seller=seller,
        reversed=bill.state is BillState.REVERSED,
    )


def no_receipt_page(request: Req) -> Response[bytes]:
    """Return the page of an address that is no receipt's."""
    title, text = _("There is no such receipt"), _("Check the address: it is the one in the invoice's QR code.")
    return render_public(request, "trouble.html", status=404, title=title, text=text)


def wants_page(accept: str) -> bool:
    """Return whether an Accept header is a browser's: it names HTML, which programs that want data do not."""
    return any(part.partition(";")[0].strip().lower() == "text/html" for part in accept[:1000].split(","))


def _digits(value: Decimal) -> str:
    return format(value + 0, "f")
