"""Receipts: to whoever has the link from an invoice's QR code, without a token. The address is the secret."""

from dataclasses import replace
from typing import Any

import msgspec
from litestar import Response, get
from litestar.enums import MediaType
from litestar.params import FromPath

from wattseal.bundle.format import Bundle
from wattseal.flow.charges.bundling import NotYet, assemble, needed_entries
from wattseal.flow.documents import TRANSACTION, read
from wattseal.flow.fleet.sites import site_of
from wattseal.flow.money.receipts import bill_of_receipt
from wattseal.model.billing import Bill
from wattseal.model.invoice import SUBJECT_DIGITS, LegalEntity
from wattseal.model.site import Site
from wattseal.model.transaction import Transaction
from wattseal.rules.charge_posting import rate_text
from wattseal.rules.invoicing import seller_of
from wattseal.serve.api.invoice_views import amount
from wattseal.serve.api.problems import ProblemError
from wattseal.serve.api.service import Service, What
from wattseal.serve.api.transactions import CBOR
from wattseal.serve.web.receipt import no_receipt_page, receipt_page, wants_page
from wattseal.serve.web.viewer import Req

HEADERS = {
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
    "X-Content-Type-Options": "nosniff",
}
"""The address is not to be told on, by whomever it passes."""


def _seller(service: Service, site: Site | None) -> LegalEntity | None:
    """Return who sells at a site, None where nobody is configured."""
    entities = service.world.settings.billing.entities
    return seller_of(entities, None if site is None else site.id) if entities else None


@get("/r/{receipt:str}", security=[{}])
async def get_receipt(service: What, receipt: FromPath[str], request: Req) -> Response[Any]:
    """Show what a session cost and how well it is proven, to whoever holds its receipt; nobody's name or token.

    A browser, which asks for text/html, gets a page that checks itself.
    """
    page = wants_page(request.headers.get("accept", ""))
    bill = await bill_of_receipt(service.world, receipt)
    if bill is None and page:
        return _as_page(no_receipt_page(request))
    if bill is None:
        raise _nothing()
    site = await site_of(service.world, bill.station_id)
    if page:
        return _as_page(receipt_page(request, receipt, bill, site, _seller(service, site)))
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
            "trust": f"/r/{receipt}/trust",
        },
        headers=HEADERS | {"Vary": "Accept"},
    )


def _as_page(made: Response[bytes]) -> Response[bytes]:
    made.headers.update(HEADERS | {"Vary": "Accept, Accept-Language"})
    return made


@get("/r/{receipt:str}/bundle", security=[{}], media_type=CBOR)
async def get_receipt_bundle(service: What, receipt: FromPath[str]) -> Response[bytes]:
    """Return the bundle that proves a receipt's session offline; 202 until the log's next cosigned checkpoint."""
    made = await _assembled(service, receipt)
    if isinstance(made, NotYet):
        return _waiting(service, receipt)
    headers = HEADERS | {"Content-Disposition": f'attachment; filename="{receipt}.wsb"'}
    return Response(made.encode(), media_type=CBOR, headers=headers)


@get("/r/{receipt:str}/trust", security=[{}], media_type=MediaType.JSON)
async def get_receipt_trust(service: What, receipt: FromPath[str]) -> Response[bytes]:
    """Return the trust file under which the CPO itself judges a receipt's bundle, with the entries of its signers.

    It is the CPO's word on whose keys count: whoever relies on nobody brings their own.
    """
    trust = service.world.trust
    if trust is None:
        raise ProblemError(
            404, "no_trust_file", "the operator names no keys of others here; use a trust file of your own"
        )
    made = await _assembled(service, receipt)
    if isinstance(made, NotYet):
        return _waiting(service, receipt)
    needed = needed_entries((*made.entries, *trust.entries), (*made.items, *made.others))
    told = replace(trust, entries=tuple(entry for entry in trust.entries if entry in needed))
    return Response(told.to_json(), media_type=MediaType.JSON, headers=HEADERS)


async def _assembled(service: Service, receipt: str) -> Bundle | NotYet:
    world, bill = service.world, await _find(service, receipt)
    document = await world.journal.document(world.tenant, TRANSACTION, bill.id[:SUBJECT_DIGITS])
    if document is None:
        raise _nothing()
    return await assemble(world, service.proofs, read(document, Transaction), billing_party=False)


def _waiting(service: Service, receipt: str) -> Response[bytes]:
    waiting = msgspec.json.encode({"receipt": receipt, "status": "awaiting_checkpoint"})
    headers = HEADERS | {"Retry-After": str(service.retry_after_s)}
    return Response(waiting, status_code=202, media_type=MediaType.JSON, headers=headers)


async def _find(service: Service, receipt: str) -> Bill:
    found = await bill_of_receipt(service.world, receipt)
    if found is None:
        raise _nothing()
    return found


def _nothing() -> ProblemError:
    return ProblemError(404, "not_found", "there is no such receipt")


ROUTES = (get_receipt, get_receipt_bundle, get_receipt_trust)
