"""Accounts: who pays, how far they may go, and who they are."""

from dataclasses import asdict
from decimal import Decimal
from typing import Annotated, Any
from urllib.parse import quote

import msgspec
from litestar import Response, delete, get, patch, post, put
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from wattseal.base.errors import InputError
from wattseal.flow.money import accounts
from wattseal.flow.money.held import open_holds
from wattseal.flow.money.holds import release_by_hand
from wattseal.flow.money.retention import erase
from wattseal.model.account import Account, AccountKind, AccountStatus, Payer
from wattseal.model.held import Held
from wattseal.rules.chart import customer
from wattseal.rules.holding import in_units
from wattseal.serve.api.bodies import Body
from wattseal.serve.api.paging import paged
from wattseal.serve.api.problems import ProblemError, Req, demand
from wattseal.serve.api.service import Limit, Service, ShortQuery, What, Who

READ, WRITE = "accounts:read", "accounts:write"
Amount = Annotated[str, Meta(pattern=r"\A[0-9]{1,12}(\.[0-9]{1,4})?\Z")]
"""An amount of money as text: an exact decimal that is not below zero."""
Line = Annotated[str, Meta(max_length=255, pattern=r"\A[^\x00-\x1f]*\Z")]
Reason = Annotated[str, Meta(max_length=500)]


class PayerBody(Body, frozen=True, kw_only=True):
    """Whom invoices are made out to. `country` is ISO 3166-1 alpha-2, `reference` what the payer wants quoted."""

    name: Annotated[str, Meta(min_length=1, max_length=255, pattern=r"\A[^\x00-\x1f]+\Z")]
    address: Line = ""
    postal_code: Annotated[str, Meta(max_length=16, pattern=r"\A[^\x00-\x1f]*\Z")] = ""
    city: Line = ""
    country: Annotated[str, Meta(pattern=r"\A[A-Z]{2}\Z")] | None = None
    vat_id: Annotated[str, Meta(pattern=r"\A[A-Z]{2}[0-9A-Za-z+*.]{2,18}\Z")] | None = None
    email: Annotated[str, Meta(max_length=254, pattern=r"\A[^@\s]+@[^@\s]+\Z")] | None = None
    reference: Annotated[str, Meta(min_length=1, max_length=100)] | None = None

    def payer(self) -> Payer:
        """Return the payer."""
        return Payer(**msgspec.structs.asdict(self))


class AccountBody(Body, frozen=True, kw_only=True):
    """An account to open. `id` is given for an eMSP's only, and is its party.

    `limit` is how far below zero it may fall: given with `credit`, perhaps with `partner`, never with `prepaid`.
    """

    kind: AccountKind
    currency: Annotated[str, Meta(pattern=r"\A[A-Z]{3}\Z")]
    id: Annotated[str, Meta(min_length=1, max_length=36, pattern=r"\A[!-.0-~]+\Z")] | None = None
    limit: Amount | None = None
    payer: PayerBody | None = None
    text: Reason = ""

    def account(self) -> Account:
        """Return the account wanted; an ad hoc one is opened by a payment alone."""
        if self.kind is AccountKind.AD_HOC:
            text = "an account for one charge is opened by its payment"
            raise InputError(text, code="bad_account", subject="kind")
        limit = None if self.limit is None else Decimal(self.limit)
        if self.kind is AccountKind.PREPAID and limit is None:
            limit = Decimal(0)
        return Account(self.id or "", self.kind, self.currency, limit)


class ChangeBody(Body, frozen=True, kw_only=True):
    """What is to be different; `text` says why, and stands in the signed record."""

    limit: Amount | None = None
    status: AccountStatus | None = None
    text: Reason = ""


@post("/accounts")
async def post_account(principal: Who, service: What, data: JSONBody[AccountBody]) -> dict[str, Any]:
    """Open an account; a signed record says so, without a name."""
    demand(principal, WRITE)
    payer = None if data.payer is None else data.payer.payer()
    made = await accounts.open_account(service.world, data.account(), principal.name, payer=payer, text=data.text)
    return await _view(service, made)


@get("/accounts")
async def get_accounts(
    principal: Who, service: What, request: Req, *, limit: Limit = 100, after: ShortQuery = None
) -> Response[list[dict[str, Any]]]:
    """List accounts in the order of their ids."""
    demand(principal, READ)
    found = await accounts.list_accounts(service.world, after or "", limit)
    return paged(request, [_short(account) for account in found], found[-1].id if len(found) == limit else None)


@get("/accounts/{account_id:str}")
async def get_account(principal: Who, service: What, account_id: FromPath[str]) -> dict[str, Any]:
    """Show an account, what is on it and what is held beside that, and who pays."""
    demand(principal, READ)
    return await _view(service, await _find(service, account_id))


@patch("/accounts/{account_id:str}")
async def patch_account(
    principal: Who, service: What, account_id: FromPath[str], data: JSONBody[ChangeBody]
) -> dict[str, Any]:
    """Change an account's limit, block it, let it charge again, or close it; each is a signed record."""
    demand(principal, WRITE)
    limit = None if data.limit is None else Decimal(data.limit)
    changed = await accounts.change_account(
        service.world, account_id, principal.name, limit=limit, status=data.status, text=data.text
    )
    return await _view(service, changed)


@put("/accounts/{account_id:str}/payer")
async def put_payer(
    principal: Who, service: What, account_id: FromPath[str], data: JSONBody[PayerBody]
) -> dict[str, Any]:
    """Write down whom an account's invoices are made out to, over what was there."""
    demand(principal, WRITE)
    return await _view(service, await accounts.put_payer(service.world, account_id, data.payer()))


@delete("/accounts/{account_id:str}/payer")
async def delete_payer(principal: Who, service: What, account_id: FromPath[str]) -> None:
    """Erase who an account's payer is; invoices that were issued keep their copies as long as the law has them kept.

    409 `not_yet_invoiced` while sessions of the account are still to be invoiced.
    """
    demand(principal, WRITE)
    await _find(service, account_id)
    if not await erase(service.world, account_id):
        raise ProblemError(404, "not_found", "nothing is known about who pays for this account")


@get("/accounts/{account_id:str}/holds")
async def get_holds(
    principal: Who,
    service: What,
    request: Req,
    account_id: FromPath[str],
    *,
    limit: Limit = 100,
    after: ShortQuery = None,
) -> Response[list[dict[str, Any]]]:
    """List what is held on an account, and for which charges."""
    demand(principal, READ)
    await _find(service, account_id)
    found = await open_holds(service.world, account_id, after or "", limit)
    views = [_held(held) for held in found]
    return paged(request, views, found[-1].id if len(found) == limit else None)


@delete("/accounts/{account_id:str}/holds/{transaction_id:str}", status_code=200)
async def delete_hold(
    principal: Who, service: What, account_id: FromPath[str], transaction_id: FromPath[str]
) -> dict[str, Any]:
    """Give back what is held for a charge whose station will tell nothing more; if it does, that is billed."""
    demand(principal, WRITE)
    released = await release_by_hand(service.world, account_id, transaction_id, principal.name)
    if released is None:
        raise ProblemError(404, "not_found", "nothing is held on this account for that charge")
    return _held(released)


def _held(held: Held) -> dict[str, Any]:
    return {
        "transaction": held.id,
        "station_id": held.station_id,
        "amount": format(in_units(held.amount, held.currency), "f"),
        "currency": held.currency,
        "at_ms": held.at_ms,
        "decision": held.decision,
    }


async def _find(service: Service, account_id: str) -> Account:
    found = await accounts.account_of(service.world, account_id)
    if found is None:
        raise ProblemError(404, "not_found", "there is no such account")
    return found


def _short(account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "kind": account.kind.value,
        "currency": account.currency,
        "limit": None if account.limit is None else format(account.limit, "f"),
        "status": account.status.value,
        "opened_at_ms": account.opened_ms,
        "record": account.record,
    }


async def _view(service: Service, account: Account) -> dict[str, Any]:
    payer = await accounts.payer_of(service.world, account)
    there_is, aside = await accounts.balance_of(service.world, account)
    return _short(account) | {
        "balance": format(in_units(there_is, account.currency), "f"),
        "held": format(in_units(aside, account.currency), "f"),
        "statement": f"/api/v1/ledger/statement?account={quote(customer(account.id))}&currency={account.currency}",
        "payer": None if payer is None else asdict(payer),
    }


ROUTES = (post_account, get_accounts, get_account, patch_account, put_payer, delete_payer, get_holds, delete_hold)
