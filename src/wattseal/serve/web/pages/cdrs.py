"""CDRs: what was billed, newest first, each as partners get it in OCPI."""

from litestar import Response, get
from litestar.enums import MediaType
from litestar.params import FromPath

from wattseal.flow.charges.reproof import broken_of
from wattseal.flow.documents import read
from wattseal.flow.money.cdrs import cdr_by_id
from wattseal.flow.ports import RowsWanted
from wattseal.model.billing import Bill
from wattseal.serve.api.problems import ProblemError
from wattseal.serve.api.service import ShortQuery, What
from wattseal.serve.web.pages.sessions import charged
from wattseal.serve.web.render import render
from wattseal.serve.web.texts import marked as _
from wattseal.serve.web.viewer import Looks, Req, needs
from wattseal.wire.ocpi.v2_2_1.cdrs import encode_cdr

READ = "bills:read"
PAGE = 50
LATEST = (2**62, "")
ID_DIGITS = 32
"""Digits of a session's id, with which its bills' ids begin."""


@get("/cdrs", security=[{}], include_in_schema=False, guards=[needs(READ)])
async def cdrs(request: Req, viewer: Looks, service: What, *, before: ShortQuery = None) -> Response[bytes]:
    """List them."""
    world = service.world
    wanted = RowsWanted(limit=PAGE, before=_place(before) if before else LATEST)
    found = await world.journal.bills(world.tenant, wanted)
    bills = [read(one.document, Bill) for one in found if one.document is not None]
    last = found[-1].row if len(found) == PAGE else None
    return render(
        request,
        viewer,
        "cdrs.html",
        rows=[(bill, await broken_of(world, bill.id[:ID_DIGITS]) is not None) for bill in bills],
        first=not before,
        following=None if last is None else f"/cdrs?before={last.billed_ms}-{last.id}",
        charged=charged,
        digits=ID_DIGITS,
        sessions=viewer.may("transactions:read"),
        energy=viewer.may("energy:read"),
    )


def _place(told: str) -> tuple[int, str]:
    """Return the time and id of the last bill of the page before, as an address has them."""
    head, _, bill = told.partition("-")
    return (int(head), bill) if head.isdecimal() and len(head) < len(str(LATEST[0])) else LATEST


@get("/cdrs/{name:str}", security=[{}], include_in_schema=False, guards=[needs(READ, "energy:read")])
async def cdr(service: What, name: FromPath[str]) -> Response[bytes]:
    """Return a CDR as OCPI 2.2.1 spells it."""
    found = await cdr_by_id(service.world, name[:80].removesuffix(".json"))
    if found is None:
        raise ProblemError(404, "not_found", _("there is no such CDR"))
    raw, _lost = encode_cdr(found)
    headers = {"Content-Disposition": f'attachment; filename="cdr-{found.id}.json"', "Cache-Control": "no-store"}
    return Response(raw, media_type=MediaType.JSON, headers=headers)


ROUTES = (cdrs, cdr)
