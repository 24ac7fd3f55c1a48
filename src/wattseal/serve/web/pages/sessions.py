"""Sessions: the list, newest first; and one with what it was, cost and rests on."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from litestar import Response, get
from litestar.params import FromPath
from litestar.response import Stream

from wattseal.base.ids import Subject
from wattseal.flow.charges.bundling import NotYet, assemble, others_of, price_of, tariff_record, utc_from_ms
from wattseal.flow.charges.measured import readings_of
from wattseal.flow.charges.reproof import Broken, broken_of, prove_again
from wattseal.flow.charges.session_rows import SessionRow, row_of, session_page, session_rows
from wattseal.flow.documents import STATION, read
from wattseal.flow.fleet.sites import SITE, site_of
from wattseal.flow.money.bills import bill_in_force
from wattseal.flow.money.receipts import known_receipt
from wattseal.flow.turn import transaction_by_id
from wattseal.flow.world import World
from wattseal.model.billing import Bill
from wattseal.model.site import Site
from wattseal.model.station import Station
from wattseal.model.transaction import Transaction
from wattseal.pricing.trace import Priced
from wattseal.rules.notes import is_alarm
from wattseal.seal.item import Kind
from wattseal.serve.api.problems import ProblemError
from wattseal.serve.api.service import Service, What
from wattseal.serve.api.tables import Cells, csv_stream
from wattseal.serve.viewers import Viewer
from wattseal.serve.web import price_words
from wattseal.serve.web.broken_words import WORDS, difference, field_of
from wattseal.serve.web.curve import Curve, curve_of
from wattseal.serve.web.evidence_words import EVIDENCE
from wattseal.serve.web.formats import Formats
from wattseal.serve.web.identity_words import IDENTITY, IDENTITY_ELSE
from wattseal.serve.web.reasons import NOTES, REASONS
from wattseal.serve.web.render import render
from wattseal.serve.web.session_list import GRADES, PAGE, Filters, seen_by
from wattseal.serve.web.stop_words import STOPS
from wattseal.serve.web.texts import marked as _
from wattseal.serve.web.viewer import Looks, Req, needs

READ = "transactions:read"
MAX_CHOICES = 500
"""Sites and stations that a filter offers by name; others are typed."""
MAX_ROWS = 100_000
"""Rows of one CSV file; filters lead to the others."""
COLUMNS = (
    "id",
    "station_id",
    "evse_id",
    "started",
    "ended",
    "energy_wh",
    "state",
    "reason",
    "grade",
    "source",
    "broken",
    "currency",
    "charged",
    "id_token",
)
STATE_WORDS = {
    "running": _("Charging"),
    "pending": _("To be billed"),
    "billed": _("Billed"),
    "quarantined": _("Quarantined"),
    "free": _("Free"),
    "broken": _("Broken"),
}
KIND_WORDS = {
    Kind.REQUEST: _("Authorisation asked"),
    Kind.DECISION: _("Authorisation"),
    Kind.STARTED: _("Start"),
    Kind.READING: _("Reading"),
    Kind.ENDED: _("End"),
    Kind.SETTLEMENT: _("Settlement"),
    Kind.RULING: _("Decision"),
    Kind.DISPUTE: _("Dispute"),
    Kind.POSTING: _("Posting"),
    Kind.PAYMENT: _("Payment"),
}


@dataclass(frozen=True, slots=True)
class RecordRow:
    """A record of a session in its list."""

    kind: str
    ms: int
    place: str
    signed: bool
    hash: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A session with all that its page shows; None where there is nothing, or the viewer may not see it."""

    row: SessionRow
    site: Site | None
    curve: Curve | None
    price: Priced | None
    tariff: str | None
    bill: Bill | None
    receipt: str | None
    records: tuple[RecordRow, ...]
    broken: Broken | None


@get("/sessions", security=[{}], include_in_schema=False, guards=[needs(READ)])
async def sessions(request: Req, viewer: Looks, service: What) -> Response[bytes]:
    """List them."""
    filters = Filters.of(request.query_params, viewer)
    wanted = await filters.wanted(service.world, viewer.zone)
    rows, before = await session_page(service.world, service.proofs, wanted, seen_by(viewer), PAGE)
    return render(
        request,
        viewer,
        "sessions.html",
        rows=rows,
        filters=filters,
        following=filters.address("/sessions", before=before) if before else None,
        table=filters.address("/sessions.csv", before=""),
        sites=await _sites(service.world),
        stations=await _stations(service.world),
        states=STATE_WORDS,
        grades=GRADES,
        reasons=REASONS,
        **scopes_of(viewer),
    )


@get("/sessions.csv", security=[{}], include_in_schema=False, guards=[needs(READ)])
async def sessions_csv(request: Req, viewer: Looks, service: What) -> Stream:
    """Return what the same filters let pass as CSV; text in it is no formula."""
    return csv_stream(COLUMNS, _cells(service, viewer, Filters.of(request.query_params, viewer)))


async def _cells(service: Service, viewer: Viewer, filters: Filters) -> AsyncIterator[Cells]:
    given = 0
    wanted = await filters.wanted(service.world, viewer.zone)
    async for row in session_rows(service.world, service.proofs, wanted, seen_by(viewer)):
        if isinstance(row, str):
            continue
        given += 1
        if given > MAX_ROWS:
            return
        t, bill = row.transaction, row.bill
        yield (
            t.id,
            t.station_id,
            t.place,
            _instant(t.started_ms),
            _instant(t.ended_ms),
            row.energy_wh,
            row.state,
            row.reason,
            None if row.grade is None else row.grade.name,
            t.source.value,
            " ".join(finding.code for finding in row.broken.findings) if row.broken else None,
            None if bill is None else bill.currency,
            None if bill is None else charged(bill),
            None if row.token is None else row.token.value,
        )


def _instant(ms: int | None) -> str | None:
    return None if ms is None else utc_from_ms(ms).isoformat(timespec="seconds").replace("+00:00", "Z")


@get("/sessions/{key:str}", security=[{}], include_in_schema=False, guards=[needs(READ)])
async def session(request: Req, viewer: Looks, service: What, key: FromPath[str]) -> Response[bytes]:
    """Show one; its records are proved again first."""
    transaction = await find(service, key)
    await prove_again(service.world, service.proofs, transaction.id)
    shown = await _shown(service, viewer, transaction)
    fmt = Formats(viewer.language, viewer.zone)
    return render(
        request,
        viewer,
        "session.html",
        shown=shown,
        row=shown.row,
        t=transaction,
        states=STATE_WORDS,
        identity=IDENTITY.get(transaction.identity_level or "", IDENTITY_ELSE),
        reasons=REASONS,
        notes={**EVIDENCE, **REASONS, **NOTES},
        broken_words=WORDS,
        field_of=field_of,
        difference=difference,
        stops=STOPS,
        is_alarm=is_alarm,
        charged=charged,
        dimensions=price_words.DIMENSIONS,
        why=price_words.WHY,
        quantity=partial(price_words.quantity, fmt),
        unit_price=partial(price_words.unit_price, fmt),
        amount=partial(price_words.amount, fmt),
        **scopes_of(viewer),
    )


async def _shown(service: Service, viewer: Viewer, transaction: Transaction) -> Shown:
    world = service.world
    row = await row_of(world, service.proofs, transaction, seen_by(viewer))
    energy, bills = viewer.may("energy:read"), viewer.may("bills:read")
    bill = await bill_in_force(world, transaction.id) if bills else None
    price, tariff = await _price(world, transaction) if energy and bills else (None, None)
    return Shown(
        row=row,
        site=await site_of(world, transaction.station_id),
        curve=curve_of(await readings_of(world, transaction)) if energy and not transaction.sealed else None,
        price=price,
        tariff=tariff,
        bill=bill,
        receipt=None if bill is None else await known_receipt(world, bill.id),
        records=await _records(world, transaction),
        broken=await broken_of(world, transaction.id),
    )


async def _price(world: World, transaction: Transaction) -> tuple[Priced | None, str | None]:
    """Return the price as measured, with its trace, and the tariff's id; None where nothing can be said exactly."""
    record = await tariff_record(world, await others_of(world, transaction))
    if record is None or transaction.sealed or transaction.active:
        return None, None
    pricing = await price_of(world, transaction, record)
    return (None, None) if pricing is None else (pricing.priced, pricing.tariff.id)


async def _records(world: World, transaction: Transaction) -> tuple[RecordRow, ...]:
    kept = await world.journal.items_by_subject(world.tenant, Subject(bytes.fromhex(transaction.id)))
    known = {int(kind): word for kind, word in KIND_WORDS.items()}
    return tuple(
        RecordRow(
            kind=known.get(one.item.kind, f"kind {one.item.kind}"),
            ms=one.item.recorded_at_ms,
            place=f"{one.item.origin} · {one.item.stream} · {one.item.epoch} · {one.item.seq}",
            signed=one.item.signed,
            hash=one.item.payload_hash.hex(),
        )
        for one in kept
    )


@get("/sessions/{key:str}/bundle", security=[{}], include_in_schema=False, guards=[needs(READ, "energy:read")])
async def session_bundle(service: What, key: FromPath[str]) -> Response[bytes]:
    """Return the bundle that a stranger can check offline."""
    transaction = await find(service, key)
    made = await assemble(service.world, service.proofs, transaction, billing_party=False)
    if isinstance(made, NotYet):
        raise ProblemError(409, "not_bundled", _("there is no bundle yet: it waits for the end, or for the log"))
    headers = {"Content-Disposition": f'attachment; filename="{transaction.id}.wsb"', "Cache-Control": "no-store"}
    return Response(made.encode(), media_type="application/cbor", headers=headers)


async def find(service: Service, key: str) -> Transaction:
    """Return a session by its id; else 404."""
    found = await transaction_by_id(service.world, key[:64])
    if found is None:
        raise ProblemError(404, "not_found", _("there is no such session"))
    return found


def charged(bill: Bill) -> Decimal:
    """Return what a bill comes to with tax."""
    return bill.total.before_tax if bill.total.after_tax is None else bill.total.after_tax


def scopes_of(viewer: Viewer) -> dict[str, Any]:
    """Return what a template of sessions may show."""
    return {
        "energy": viewer.may("energy:read"),
        "bills": viewer.may("bills:read"),
        "tokens": viewer.may("tokens:read"),
        "invoices": viewer.may("invoices:read"),
    }


async def _sites(world: World) -> tuple[tuple[str, str], ...]:
    page = await world.journal.documents(world.tenant, SITE, limit=MAX_CHOICES)
    found = (read(document, Site) for document in page)
    return tuple(sorted(((site.id, site.name) for site in found), key=lambda one: one[1].casefold()))


async def _stations(world: World) -> tuple[str, ...]:
    page = await world.journal.documents(world.tenant, STATION, limit=MAX_CHOICES)
    return tuple(read(document, Station).id for document in page)


ROUTES = (sessions_csv, sessions, session, session_bundle)
