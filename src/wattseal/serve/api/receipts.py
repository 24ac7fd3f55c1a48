"""Receipts: to whoever has the link from an invoice's QR code, without a token. The address is the secret."""

from typing import Any

import msgspec
from litestar import Response, get
from litestar.enums import MediaType
from litestar.params import FromPath

from wattseal.flow.charges.bundling import NotYet, assemble
from wattseal.flow.documents import TRANSACTION, read
from wattseal.flow.fleet.sites import site_of
from wattseal.flow.money.receipts import bill_of_receipt
from wattseal.model.billing import Bill
from wattseal.model.invoice import SUBJECT_DIGITS
from wattseal.model.transaction import Transaction
from wattseal.rules.charge_posting import rate_text
from wattseal.serve.api.invoice_views import amount
from wattseal.serve.api.problems import ProblemError
from wattseal.serve.api.service import Service, What
from wattseal.serve.api.transactions import CBOR

HEADERS = {
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
    "X-Content-Type-Options": "nosniff",
}
"""The address is not to be told on, by whomever it passes."""


@get("/r/{receipt:str}", security=[{}])
async def get_receipt(service: What, receipt: FromPath[str]) -> Response[dict[str, Any]]:
    """Show what a session cost and how well it is proven, to whoever holds its receipt; nobody's name or token."""
    bill = await _find(service, receipt)
    site = await site_of(service.world, bill.station_id)
    return Response(
        {
            "receipt": receipt,
            "state": bill.state.value,
            "place": None if site is None else f"{site.name}, {site.address}, {site.city}",
            "station_id": bill.station_id,
            "evse_id": bill.evse_id,
            "started_at_ms": bill.started_ms,
            "ended_at_ms": bill.ended_ms,
            "energy_wh": amount(bill.energy_wh),
            "currency": bill.currency,
            "net": amount(bill.total.before_tax),
            "charged": amount(bill.total.before_tax if bill.total.after_tax is None else bill.total.after_tax),
            "vat": [
                {"percent": rate_text(share.percent), "net": amount(share.net), "vat": amount(share.tax)}
                for share in bill.taxes
            ],
            "tariff_id": bill.tariff_id,
            "grade": bill.grade.name,
            "source": bill.source.value,
            "bundle": f"/r/{receipt}/bundle",
        },
        headers=HEADERS,
    )


@get("/r/{receipt:str}/bundle", security=[{}], media_type=CBOR)
async def get_receipt_bundle(service: What, receipt: FromPath[str]) -> Response[bytes]:
    """Return the bundle that proves a receipt's session offline; 202 until the log's next cosigned checkpoint."""
    bill = await _find(service, receipt)
    world = service.world
    document = await world.journal.document(world.tenant, TRANSACTION, bill.id[:SUBJECT_DIGITS])
    if document is None:
        raise _nothing()
    made = await assemble(world, service.proofs, read(document, Transaction), billing_party=False)
    if isinstance(made, NotYet):
        waiting = msgspec.json.encode({"receipt": receipt, "status": "awaiting_checkpoint"})
        headers = HEADERS | {"Retry-After": str(service.retry_after_s)}
        return Response(waiting, status_code=202, media_type=MediaType.JSON, headers=headers)
    headers = HEADERS | {"Content-Disposition": f'attachment; filename="{receipt}.wsb"'}
    return Response(made.encode(), media_type=CBOR, headers=headers)


async def _find(service: Service, receipt: str) -> Bill:
    found = await bill_of_receipt(service.world, receipt)
    if found is None:
        raise _nothing()
    return found


def _nothing() -> ProblemError:
    return ProblemError(404, "not_found", "there is no such receipt")


ROUTES = (get_receipt, get_receipt_bundle)
