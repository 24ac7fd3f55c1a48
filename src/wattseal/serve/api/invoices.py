"""Invoices: what is due, shown before it is issued; issued; found again with their files."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, JSONBody

from wattseal.base.errors import InputError
from wattseal.flow.money.accounts import account_of, payer_of
from wattseal.flow.money.invoice_due import Group, Wanted, groups
from wattseal.flow.money.invoice_list import file_of, find_invoice, list_invoices
from wattseal.flow.money.invoices import Desk, issue, preview
from wattseal.model.invoice import Issued
from wattseal.model.principal import Principal
from wattseal.rules.invoicing import taxed_though_reverse
from wattseal.serve.api.bodies import Body
from wattseal.serve.api.invoice_views import invoice_view, issued_view
from wattseal.serve.api.paging import Zoned, paged
from wattseal.serve.api.problems import ProblemError, Req, demand
from wattseal.serve.api.service import Limit, Service, ShortQuery, What, Who

READ, WRITE, ERASED = "invoices:read", "invoices:write", "invoices:erased"
PDF, XML = "application/pdf", "application/xml"
PRIVATE = {"Cache-Control": "private, no-store"}
Month = Annotated[str, msgspec.Meta(pattern=r"\A[0-9]{4}-(0[1-9]|1[0-2])\Z")]


class InvoicesBody(Body, frozen=True, kw_only=True):
    """What is to be issued: of one account or all, sessions that ended before the end of `month`, or before `until`.

    What ended earlier and is on no invoice yet comes along, unless `since` says from when on. Reversed bills that were
    invoiced get their credit notes. `limit` is how many documents at most.
    """

    account: Annotated[str, msgspec.Meta(min_length=1, max_length=36)] | None = None
    month: Month | None = None
    until: Zoned | None = None
    since: Zoned | None = None
    currency: Annotated[str, msgspec.Meta(pattern=r"\A[A-Z]{3}\Z")] | None = None
    entity: Annotated[str, msgspec.Meta(min_length=1, max_length=36)] | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100
    after: Annotated[str, msgspec.Meta(max_length=36)] = ""

    def wanted(self, service: Service) -> Wanted:
        """Return what is asked for; `InputError` where it ends nowhere, or has not ended yet."""
        if (self.month is None) is (self.until is None):
            raise InputError("give month or until", code="bad_period", subject="month")
        if self.until is not None:
            until_ms = int(self.until.timestamp() * 1000)
        else:
            _, until_ms = month_span(self.month or "", service)
        if until_ms > service.world.now_ms():
            raise InputError("this period has not ended yet", code="bad_period", subject="until")
        since_ms = 0 if self.since is None else int(self.since.timestamp() * 1000)
        return Wanted(self.account, since_ms, until_ms, self.currency, self.entity)


def month_span(month: str, service: Service) -> tuple[int, int]:
    """Return when a month (YYYY-MM) begins and ends where the stations are, in Unix milliseconds."""
    zone = service.world.settings.charging.zone
    try:
        year, number = map(int, month.split("-"))
        start = datetime(year, number, 1, tzinfo=zone)
        end = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=zone)
    except (ValueError, OverflowError) as error:
        raise InputError("a month is written like 2026-01", code="bad_period", subject="month") from error
    return int(start.timestamp() * 1000), int(end.timestamp() * 1000)


@post("/invoices", status_code=200)
async def post_invoices(principal: Who, service: What, data: JSONBody[InvoicesBody]) -> dict[str, Any]:
    """Issue invoices and credit notes. `left` says of what was not issued why; `next` leads to further accounts.

    Each one is durable, with its number, before the next one begins: a call that is cut off may be made again.
    """
    demand(principal, WRITE)
    desk = Desk(service.world, service.proofs, service.renderer)
    made: list[dict[str, Any]] = []
    left: list[dict[str, Any]] = []
    last = ""
    async for group in groups(service.world, data.wanted(service), after=data.after):
        if len(made) + len(left) >= data.limit and group.account != last:
            return {"issued": made, "left": left, "next": last}
        last = group.account
        try:
            made.append(issued_view(await issue(desk, group)))
        except InputError as error:
            left.append(_left(group, error))
    return {"issued": made, "left": left, "next": None}


@post("/invoices/preview", status_code=200)
async def post_preview(principal: Who, service: What, data: JSONBody[InvoicesBody]) -> dict[str, Any]:
    """Show what would be issued, line by line, without numbers; nothing is kept."""
    demand(principal, READ)
    desk = Desk(service.world, service.proofs, service.renderer)
    made: list[dict[str, Any]] = []
    left: list[dict[str, Any]] = []
    last = ""
    async for group in groups(service.world, data.wanted(service), after=data.after):
        if len(made) + len(left) >= data.limit and group.account != last:
            return {"invoices": made, "left": left, "next": last}
        last = group.account
        try:
            invoice = await preview(desk, group)
        except InputError as error:
            left.append(_left(group, error))
            continue
        hints = ["vat_charged_though_the_buyer_would_owe_it"] if taxed_though_reverse(invoice) else []
        made.append(invoice_view(invoice) | {"hints": hints})
    return {"invoices": made, "left": left, "next": None}


def _left(group: Group, error: InputError) -> dict[str, Any]:
    return {
        "account": group.account,
        "entity": group.entity,
        "currency": group.currency,
        "credits": group.original,
        "sessions": len(group.bills),
        "code": error.code,
        "title": str(error),
    }


@get("/invoices")
async def get_invoices(
    principal: Who,
    service: What,
    request: Req,
    *,
    limit: Limit = 100,
    after: ShortQuery = None,
    account: ShortQuery = None,
) -> Response[list[dict[str, Any]]]:
    """List what was issued, in the order of numbers; of one account in the order of time."""
    demand(principal, READ)
    page, next_key = await list_invoices(service.world, account=account, after=after or "", limit=limit)
    return paged(request, [issued_view(one) for one in page], next_key)


@get("/invoices/{number:str}")
async def get_invoice(principal: Who, service: What, number: FromPath[str]) -> dict[str, Any]:
    """Show what was issued under a number: amounts, sessions, hashes and the signed record; nobody's name."""
    demand(principal, READ)
    return issued_view(await _find(service, number))


@get("/invoices/{number:str}/pdf", media_type=PDF)
async def get_pdf(principal: Who, service: What, number: FromPath[str]) -> Response[bytes]:
    """Return the PDF as it was issued, with the e-invoice and each session's bundle attached."""
    return await _file(principal, service, number, "pdf")


@get("/invoices/{number:str}/xml", media_type=XML)
async def get_xml(principal: Who, service: What, number: FromPath[str]) -> Response[bytes]:
    """Return the e-invoice as it was issued: EN 16931, UN/CEFACT CII."""
    return await _file(principal, service, number, "xml")


async def _file(principal: Principal, service: Service, number: str, name: str) -> Response[bytes]:
    demand(principal, READ)
    found = await _find(service, number)
    account = await account_of(service.world, found.account)
    if account is None or await payer_of(service.world, account) is None:
        demand(principal, ERASED)
    data = await file_of(service.world, found, name)
    if data is None:
        raise ProblemError(410, "retention_over", "its time to be kept is over; number, amounts and hashes remain")
    headers = PRIVATE | {"Content-Disposition": f'attachment; filename="{found.number}.{name}"'}
    return Response(data, media_type=PDF if name == "pdf" else XML, headers=headers)


async def _find(service: Service, number: str) -> Issued:
    found = await find_invoice(service.world, number)
    if found is None:
        raise ProblemError(404, "not_found", "there is no such invoice")
    return found


ROUTES = (post_invoices, post_preview, get_invoices, get_invoice, get_pdf, get_xml)
