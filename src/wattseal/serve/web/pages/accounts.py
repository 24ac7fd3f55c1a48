"""Accounts: who pays, what is there and held, the statement of a month, and whether it may charge."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from litestar import Response, get, post
from litestar.params import FromPath

from wattseal.base.errors import InputError
from wattseal.flow.money import accounts
from wattseal.flow.money.held import open_holds
from wattseal.flow.money.statements import AccountStatement, account_statement
from wattseal.model.account import Account, AccountKind, AccountStatus, Payer
from wattseal.model.held import Held
from wattseal.model.ledger import PostingKind
from wattseal.rules.holding import room, whole_minor
from wattseal.serve.api.invoices import month_span
from wattseal.serve.api.problems import ProblemError
from wattseal.serve.api.service import Service, ShortQuery, What
from wattseal.serve.viewers import Viewer
from wattseal.serve.web.forms import Form, gone_to, text_of
from wattseal.serve.web.guard import check_form
from wattseal.serve.web.pages.persons import person_of
from wattseal.serve.web.render import render
from wattseal.serve.web.tariff_form import quantity
from wattseal.serve.web.texts import marked as _
from wattseal.serve.web.viewer import Looks, Req, needs

READ, WRITE, EXPORT, READ_INVOICES = "accounts:read", "accounts:write", "accounts:export", "invoices:read"
PAGE, MAX_SCANNED, MAX_HOLDS = 50, 1000, 100
"""Accounts in a list, looked at for one page of a search, and holds shown of an account."""
MAX_REASON, MAX_LIMIT = 500, Decimal(10**12)
KINDS = {
    AccountKind.PREPAID: _("paid beforehand"),
    AccountKind.CREDIT: _("on credit"),
    AccountKind.PARTNER: _("eMSP under contract"),
    AccountKind.AD_HOC: _("for one charge"),
}
STATUSES = {AccountStatus.OPEN: _("open"), AccountStatus.BLOCKED: _("blocked"), AccountStatus.CLOSED: _("closed")}
POSTINGS = {
    PostingKind.OPENING: _("opening"),
    PostingKind.TOP_UP: _("topped up"),
    PostingKind.HOLD: _("held"),
    PostingKind.RELEASE: _("given back"),
    PostingKind.CHARGE: _("charge"),
    PostingKind.REVERSAL: _("taken back"),
    PostingKind.PAYMENT: _("payment"),
    PostingKind.REFUND: _("refund"),
    PostingKind.FEE: _("fee"),
    PostingKind.PAYOUT: _("payout"),
    PostingKind.ROUNDING: _("rounding"),
    PostingKind.WRITE_OFF: _("written off"),
}
_DONE = {
    "opened": _("Opened, in a signed record without a name."),
    "changed": _("Changed, in a signed record."),
}


@dataclass(frozen=True, slots=True)
class Row:
    """An account in the list, with what is there and held in minor units, and who pays."""

    account: Account
    there: int
    held: int
    payer: Payer | None


@get("/accounts", security=[{}], include_in_schema=False, guards=[needs(READ)])
async def account_list(
    request: Req, viewer: Looks, service: What, *, q: ShortQuery = None, after: ShortQuery = None
) -> Response[bytes]:
    """List them, all or those whose id or payer fits a search."""
    return await _list(request, viewer, service, q or "", after=after or "", form={})


async def _list(
    request: Req,
    viewer: Viewer,
    service: Service,
    wanted: str,
    *,
    form: dict[str, str],
    after: str = "",
    trouble: str = "",
) -> Response[bytes]:
    rows, cursor = await _rows(service, wanted.strip().casefold(), after)
    query = {"after": cursor or ""} | ({"q": wanted} if wanted else {})
    return render(
        request,
        viewer,
        "accounts.html",
        status=422 if trouble else 200,
        rows=rows,
        following=None if cursor is None else f"/accounts?{urlencode(query)}",
        q=wanted,
        kinds=KINDS,
        statuses=STATUSES,
        offered=[kind for kind in KINDS if kind is not AccountKind.AD_HOC],
        writes=viewer.may(WRITE),
        form=form,
        trouble=trouble,
        most=MAX_REASON,
    )


async def _rows(service: Service, wanted: str, after: str) -> tuple[list[Row], str | None]:
    world, rows = service.world, list[Row]()
    for _scanned in range(0, MAX_SCANNED, PAGE):
        page = await accounts.list_accounts(world, after, PAGE)
        for account in page:
            after = account.id
            payer = await accounts.payer_of(world, account)
            name = "" if payer is None else payer.name.casefold()
            if wanted in account.id.casefold() or wanted in name:
                rows.append(Row(account, *await accounts.balance_of(world, account), payer))
            if len(rows) == PAGE:
                return rows, after
        if len(page) < PAGE:
            return rows, None
    return rows, after


@post("/accounts", security=[{}], include_in_schema=False, guards=[needs(READ, WRITE)])
async def open_account(request: Req, viewer: Looks, service: What, data: Form) -> Response[Any]:
    """Open an account."""
    check_form(request, viewer, data)
    try:
        wanted, payer = _wanted(data)
        text = text_of(data, "text", MAX_REASON)
        made = await accounts.open_account(service.world, wanted, person_of(viewer), payer=payer, text=text)
    except InputError as error:
        return await _list(request, viewer, service, "", form=data, trouble=str(error))
    return gone_to(f"/accounts/{made.id}", done="opened")


def _wanted(data: dict[str, str]) -> tuple[Account, Payer | None]:
    kind, currency = data.get("kind", ""), text_of(data, "currency", 3, least=3).upper()
    if kind not in set(KINDS) - {AccountKind.AD_HOC} or not (currency.isascii() and currency.isalpha()):
        raise InputError(_("choose how it pays, and a currency like EUR"), code="bad_account", subject="kind")
    limit = quantity(data, "limit", MAX_LIMIT)
    if kind == AccountKind.PREPAID and limit is None:
        limit = Decimal(0)
    name = text_of(data, "name", 255)
    account_id = text_of(data, "id", 36)
    if any(not "!" <= letter <= "~" for letter in account_id):
        raise InputError(_("an id has letters, digits and signs, and no spaces"), code="bad_account", subject="id")
    return Account(account_id, AccountKind(kind), currency, limit), Payer(name) if name else None


@get("/accounts/{account_id:str}", security=[{}], include_in_schema=False, guards=[needs(READ)])
async def account_page(
    request: Req,
    viewer: Looks,
    service: What,
    account_id: FromPath[str],
    *,
    month: ShortQuery = None,
    done: ShortQuery = None,
) -> Response[bytes]:
    """Show an account, what is held on it, who pays, and what became of its money in a month."""
    return await account_view(request, viewer, service, account_id, month=month, done=_DONE.get(done or "", ""))


async def account_view(
    request: Req,
    viewer: Viewer,
    service: Service,
    account_id: str,
    *,
    month: str | None = None,
    done: str = "",
    trouble: str = "",
    link: str = "",
    link_until_ms: int = 0,
) -> Response[bytes]:
    """Return an account's page, with a link for its driver where one was just made."""
    world = service.world
    account = await found_account(service, account_id)
    there, held = await accounts.balance_of(world, account)
    shown_month = month or f"{datetime.fromtimestamp(world.now_ms() / 1000, UTC).astimezone(viewer.zone):%Y-%m}"
    statement: AccountStatement | None = None
    if viewer.may(READ_INVOICES):
        try:
            span = month_span(shown_month, service)
            statement = await account_statement(world, account.id, account.currency, *span)
        except InputError as error:
            trouble = trouble or str(error)
    holds: tuple[Held, ...] = await open_holds(world, account.id, limit=MAX_HOLDS)
    return render(
        request,
        viewer,
        "account.html",
        status=422 if trouble else 200,
        a=account,
        there=there,
        held=held,
        left=room(there, None if account.limit is None else whole_minor(account.limit, account.currency)),
        holds=holds,
        payer=await accounts.payer_of(world, account),
        month=shown_month[:16],
        statement=statement,
        energy=viewer.may("energy:read"),
        kinds=KINDS,
        statuses=STATUSES,
        postings=POSTINGS,
        writes=viewer.may(WRITE),
        exports=viewer.may(EXPORT) and account.kind is not AccountKind.PARTNER,
        link=link,
        link_until_ms=link_until_ms,
        most=MAX_REASON,
        done=done,
        trouble=trouble,
    )


@post("/accounts/{account_id:str}", security=[{}], include_in_schema=False, guards=[needs(READ, WRITE)])
async def change_account(
    request: Req, viewer: Looks, service: What, account_id: FromPath[str], data: Form
) -> Response[Any]:
    """Block an account, let it charge again, close it, or change its limit, each in a signed record."""
    check_form(request, viewer, data)
    account = await found_account(service, account_id)
    try:
        text = text_of(data, "text", MAX_REASON, least=1)
        limit, status = _change(data)
        by = person_of(viewer)
        await accounts.change_account(service.world, account.id, by, limit=limit, status=status, text=text)
    except InputError as error:
        return await account_view(request, viewer, service, account.id, trouble=str(error))
    return gone_to(f"/accounts/{account.id}", done="changed")


def _change(data: dict[str, str]) -> tuple[Decimal | None, AccountStatus | None]:
    """Return the new limit, or the new status."""
    if data.get("action") in set(AccountStatus):
        return None, AccountStatus(data["action"])
    limit = quantity(data, "limit", MAX_LIMIT)
    if limit is None:
        raise InputError(_("fill in every field that is needed"), code="field_missing", subject="limit")
    return limit, None


async def found_account(service: Service, account_id: str) -> Account:
    """Return an account; 404 where there is none."""
    found = await accounts.account_of(service.world, account_id[:64])
    if found is None:
        raise ProblemError(404, "not_found", _("there is no such account"))
    return found


ROUTES = (account_list, open_account, account_page, change_account)
