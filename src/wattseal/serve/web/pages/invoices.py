"""Invoices: what was issued, with its files, and what is due, shown before it is issued."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from litestar import Response, get, post
from litestar.params import FromPath

from wattseal.base.errors import InputError
from wattseal.flow.money.accounts import account_of, payer_of
from wattseal.flow.money.invoice_due import Group, Wanted, groups
from wattseal.flow.money.invoice_list import file_of, find_invoice, list_invoices
from wattseal.flow.money.invoices import Desk, issue, preview
from wattseal.model.invoice import Invoice, InvoiceKind, Issued
from wattseal.serve.api.invoices import ERASED, PDF, PRIVATE, XML, month_span
from wattseal.serve.api.problems import ProblemError
from wattseal.serve.api.service import Service, ShortQuery, What
from wattseal.serve.viewers import Viewer
from wattseal.serve.web.forms import Form, gone_to, sure, text_of
from wattseal.serve.web.guard import check_form
from wattseal.serve.web.render import render
from wattseal.serve.web.texts import marked as _
from wattseal.serve.web.viewer import Looks, Req, needs

READ, WRITE = "invoices:read", "invoices:write"
PAGE, MAX_SHOWN, MAX_ISSUED = 50, 25, 100
"""Invoices in a list, drafts shown at once, documents that one press of the button issues."""
KINDS = {InvoiceKind.INVOICE: _("Invoice"), InvoiceKind.CREDIT_NOTE: _("Credit note")}


@dataclass(frozen=True, slots=True)
class Draft:
    """What would be issued for a group of bills, or why it cannot be."""

    group: Group
    invoice: Invoice | None
    trouble: str = ""


@get("/invoices", security=[{}], include_in_schema=False, guards=[needs(READ)])
async def invoices(
    request: Req,
    viewer: Looks,
    service: What,
    *,
    after: ShortQuery = None,
    account: ShortQuery = None,
    issued: ShortQuery = None,
    left: ShortQuery = None,
) -> Response[bytes]:
    """List what was issued, all or an account's."""
    wanted = (account or "").strip() or None
    page, cursor = await list_invoices(service.world, account=wanted, after=after or "", limit=PAGE)
    query = {"after": cursor or ""} | ({} if wanted is None else {"account": wanted})
    return render(
        request,
        viewer,
        "invoices.html",
        page=page,
        following=None if cursor is None else f"/invoices?{urlencode(query)}",
        account=wanted or "",
        kinds=KINDS,
        month=_last_month(service),
        writes=viewer.may(WRITE),
        entities=service.world.settings.billing.entities,
        issued=_count(issued),
        left=_count(left),
    )


def _count(told: str | None) -> int | None:
    return int(told) if told and told.isascii() and told.isdigit() and len(told) < 6 else None


def _last_month(service: Service) -> str:
    today = service.world.clock.now().astimezone(service.world.settings.charging.zone).date()
    return f"{date(today.year, today.month, 1) - timedelta(days=1):%Y-%m}"


@get("/invoices/due", security=[{}], include_in_schema=False, guards=[needs(READ)])
async def due(
    request: Req, viewer: Looks, service: What, *, month: ShortQuery = None, account: ShortQuery = None
) -> Response[bytes]:
    """Show what would be issued, line by line; nothing is kept."""
    return await _due(request, viewer, service, {"month": month or "", "account": account or ""})


async def _due(
    request: Req, viewer: Viewer, service: Service, asked: dict[str, str], *, trouble: str = ""
) -> Response[bytes]:
    drafts: list[Draft] = []
    more = False
    try:
        async for group in groups(service.world, _wanted(service, asked)):
            more = len(drafts) == MAX_SHOWN
            if more:
                break
            drafts.append(await _draft(service, group))
    except InputError as error:
        trouble = trouble or str(error)
    return render(
        request,
        viewer,
        "invoices_due.html",
        status=422 if trouble else 200,
        drafts=drafts,
        more=more,
        kinds=KINDS,
        asked={name: asked.get(name, "")[:40] for name in ("month", "account")},
        writes=viewer.may(WRITE),
        trouble=trouble,
        most=MAX_ISSUED,
    )


def _wanted(service: Service, asked: dict[str, str]) -> Wanted:
    """Return what is asked for: a month that is over, of one account or all."""
    _start, until_ms = month_span(text_of(asked, "month", 7), service)
    if until_ms > service.world.now_ms():
        raise InputError(_("this month is not over yet"), code="bad_period", subject="month")
    return Wanted(text_of(asked, "account", 36) or None, 0, until_ms)


async def _draft(service: Service, group: Group) -> Draft:
    try:
        return Draft(group, await preview(_desk(service), group))
    except InputError as error:
        return Draft(group, None, str(error))


def _desk(service: Service) -> Desk:
    return Desk(service.world, service.proofs, service.renderer)


@post("/invoices", security=[{}], include_in_schema=False, guards=[needs(READ, WRITE)])
async def issue_invoices(request: Req, viewer: Looks, service: What, data: Form) -> Response[Any]:
    """Issue what is due, each with its number, durable before the next one begins."""
    check_form(request, viewer, data)
    made = left = 0
    try:
        sure(data)
        async for group in _some(service, _wanted(service, data)):
            try:
                await issue(_desk(service), group)
                made += 1
            except InputError:
                left += 1
    except InputError as error:
        return await _due(request, viewer, service, data, trouble=str(error))
    return gone_to("/invoices", issued=str(made), left=str(left))


async def _some(service: Service, wanted: Wanted) -> AsyncIterator[Group]:
    number = 0
    async for group in groups(service.world, wanted):
        if number == MAX_ISSUED:
            return
        number += 1
        yield group


@get("/invoices/{number:str}/{name:str}", security=[{}], include_in_schema=False, guards=[needs(READ)])
async def invoice_file(viewer: Looks, service: What, number: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """Return the PDF or the e-invoice as it was issued."""
    found = await find_invoice(service.world, number[:64])
    if found is None or name not in {"pdf", "xml"}:
        raise ProblemError(404, "not_found", _("there is no such invoice"))
    if not viewer.may(ERASED) and await _is_erased(service, found):
        raise ProblemError(403, "not_allowed", _("its payer was erased; your roles do not include such invoices"))
    data = await file_of(service.world, found, name)
    if data is None:
        raise ProblemError(410, "retention_over", _("its time to be kept is over; number and amounts remain"))
    headers = PRIVATE | {
        "Content-Disposition": f'attachment; filename="{found.number}.{name}"',
        "X-Content-Type-Options": "nosniff",
    }
    return Response(data, media_type=PDF if name == "pdf" else XML, headers=headers)


async def _is_erased(service: Service, issued: Issued) -> bool:
    account = await account_of(service.world, issued.account)
    return account is None or await payer_of(service.world, account) is None


ROUTES = (invoices, due, issue_invoices, invoice_file)
