"""The ledger: what was posted, what accounts have come to, and what a person posts by hand."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from litestar import Response, get, post
from litestar.params import JSONBody, QueryParameter
from litestar.response import Stream
from msgspec import Meta

from wattseal.base.errors import InputError
from wattseal.flow.money import bookkeeping
from wattseal.flow.ports import KeptPosting
from wattseal.model.ledger import Balance, PostingKind
from wattseal.rules.bookkeeping import Wanted
from wattseal.rules.chart import Side, side_of
from wattseal.rules.holding import in_units
from wattseal.serve.api.bodies import Body
from wattseal.serve.api.paging import Instant, milliseconds, paged
from wattseal.serve.api.problems import Req, demand
from wattseal.serve.api.service import Limit, ShortQuery, What, Who
from wattseal.serve.api.tables import CSV, PARQUET, csv_stream, parquet_stream
from wattseal.stores.parquet import MONEY

READ, WRITE = "ledger:read", "ledger:write"
Key = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\A[!-~]+\Z")]
Account = Annotated[str, Meta(min_length=3, max_length=100, pattern=r"\A[a-z]+/[!-~]+\Z")]
Reason = Annotated[str, Meta(min_length=1, max_length=300, pattern=r"\A[^\x00-\x1f\x7f]+\Z")]
Number = Annotated[int, QueryParameter(ge=0, le=2**53)]
_TYPES = {"number": "BIGINT", "date": "TIMESTAMP", "amount": MONEY}


class PostingBody(Body, frozen=True, kw_only=True):
    """A posting made by hand. `amount` is exact text in units of the currency, below zero for opening balances only.

    `reference` names what it is made for (the bank's reference, your own number): there is one posting for it, however
    often it is asked for. An opening balance needs none: there is one an account and currency.
    """

    kind: Literal["opening", "top_up", "payment", "payout", "write_off"]
    account: Account
    amount: Annotated[str, Meta(pattern=r"\A-?[0-9]{1,12}(\.[0-9]{1,4})?\Z")]
    currency: Annotated[str, Meta(pattern=r"\A[A-Z]{3}\Z")]
    reason: Reason
    reference: Annotated[str, Meta(min_length=1, max_length=60, pattern=r"\A[!-~]+\Z")] | None = None

    def wanted(self, person: str) -> Wanted:
        """Return what `person` wants posted."""
        return Wanted(
            PostingKind(self.kind),
            self.account,
            Decimal(self.amount),
            self.currency,
            person,
            self.reason,
            self.reference or "",
        )


class ReversalBody(Body, frozen=True, kw_only=True):
    """Which posting is to be taken back, by its key, and why."""

    key: Key
    reason: Reason


@post("/ledger/postings")
async def post_posting(principal: Who, service: What, data: JSONBody[PostingBody]) -> dict[str, Any]:
    """Post an opening balance, money in or out, or a write-off; a signed record says who asked and why."""
    demand(principal, WRITE)
    return _view(await bookkeeping.post_by_hand(service.world, data.wanted(principal.name)))


@post("/ledger/reversals")
async def post_reversal(principal: Who, service: What, data: JSONBody[ReversalBody]) -> dict[str, Any]:
    """Take back a posting that was made by hand: its opposite is posted, once; nothing is ever changed."""
    demand(principal, WRITE)
    return _view(await bookkeeping.reverse_by_hand(service.world, data.key, principal.name, data.reason))


@get("/ledger/postings")
async def get_postings(
    principal: Who,
    service: What,
    request: Req,
    *,
    limit: Limit = 100,
    after: Number = 0,
    account: ShortQuery = None,
    key: ShortQuery = None,
) -> Response[list[dict[str, Any]]]:
    """List postings in the order they were made: all, those that move the money of `account`, or the one of `key`."""
    demand(principal, READ)
    world = service.world
    if key is not None:
        kept = await world.journal.posting(world.tenant, key)
        return Response([] if kept is None else [_view(kept)])
    found = await world.journal.postings(world.tenant, account=account, after=after, limit=limit)
    return paged(request, list(map(_view, found)), str(found[-1].number) if len(found) == limit else None)


@get("/ledger/balances")
async def get_balances(
    principal: Who,
    service: What,
    request: Req,
    *,
    limit: Limit = 100,
    after: ShortQuery = None,
    prefix: ShortQuery = None,
) -> Response[list[dict[str, Any]]]:
    """List what accounts have come to, by name and currency; `prefix` is how their names begin."""
    demand(principal, READ)
    world = service.world
    found = await world.journal.balances(world.tenant, prefix=prefix or "", after=after or "", limit=limit)
    return paged(request, list(map(_balance, found)), found[-1].place if len(found) == limit else None)


@get("/ledger/balance-sheet")
async def get_balance_sheet(principal: Who, service: What) -> list[dict[str, Any]]:
    """Show each currency's books by class, debits less credits; `total` is 0, or somebody changed the database."""
    demand(principal, READ)
    return [
        {
            "currency": sheet.currency,
            "classes": {name: _text(net, sheet.currency) for name, net in sorted(sheet.classes.items())},
            "debits": _text(sheet.debits, sheet.currency),
            "credits": _text(sheet.credits, sheet.currency),
            "total": _text(sheet.total, sheet.currency),
        }
        for sheet in await bookkeeping.balance_sheets(service.world)
    ]


@get("/ledger/statement")
async def get_statement(
    principal: Who,
    service: What,
    *,
    account: ShortQuery = None,
    currency: ShortQuery = None,
    since: Instant = None,
    until: Instant = None,
    limit: Limit = 1000,
    after: Number = 0,
) -> dict[str, Any]:
    """Show an account's postings from `since` to before `until` with its balance before, after each, and at the end.

    Where `next_after` is not null, there are more of them: ask again with it as `after`.
    """
    demand(principal, READ)
    if account is None or currency is None:
        text = "say of which account, and in which currency"
        raise InputError(text, code="bad_field", subject="account" if account is None else "currency")
    from_ms, to_ms = milliseconds(since, "since") or 0, milliseconds(until, "until")
    to_ms = bookkeeping.LATEST_MS if to_ms is None else to_ms
    told = await bookkeeping.statement(service.world, account, currency, from_ms, to_ms, limit=limit, after=after)
    lines = [
        {
            "number": line.kept.number,
            "at_ms": line.kept.posting.at_ms,
            "key": line.kept.posting.key,
            "kind": line.kept.posting.kind.value,
            "amount": _text(line.amount, currency),
            "balance": _text(line.balance, currency),
            "memo": line.kept.posting.memo,
            "subject": line.kept.posting.subject,
            "record": line.kept.posting.record,
        }
        for line in told.lines
    ]
    return {
        "account": account,
        "currency": currency,
        "opening": _text(told.opening, currency),
        "lines": lines,
        "closing": _text(told.closing, currency),
        "next_after": told.lines[-1].kept.number if told.more else None,
    }


@get("/ledger/journal.csv", media_type=CSV)
async def get_journal_csv(principal: Who, service: What, *, since: Instant = None, until: Instant = None) -> Stream:
    """Return the journal for an accounting program as CSV, one row a transfer, from `since` to before `until`."""
    demand(principal, READ)
    return csv_stream(bookkeeping.COLUMNS, bookkeeping.journal_rows(service.world, *_period(since, until)))


@get("/ledger/journal.parquet", media_type=PARQUET)
async def get_journal_parquet(principal: Who, service: What, *, since: Instant = None, until: Instant = None) -> Stream:
    """Return the same as a Parquet file: times as timestamps, amounts as decimals."""
    demand(principal, READ)
    columns = [(c, _TYPES.get(c, "VARCHAR")) for c in bookkeeping.COLUMNS]
    return await parquet_stream(columns, bookkeeping.journal_rows(service.world, *_period(since, until)))


def _period(since: str | None, until: str | None) -> tuple[int, int]:
    to_ms = milliseconds(until, "until")
    return milliseconds(since, "since") or 0, bookkeeping.LATEST_MS if to_ms is None else to_ms


def _text(minor: int, currency: str) -> str:
    return format(in_units(minor, currency), "f")


def _balance(balance: Balance) -> dict[str, Any]:
    net = balance.debits - balance.credits
    return {
        "account": balance.account,
        "currency": balance.currency,
        "balance": _text(net if side_of(balance.account) is Side.DEBIT else -net, balance.currency),
        "grows_by": side_of(balance.account).value,
        "debits": _text(balance.debits, balance.currency),
        "credits": _text(balance.credits, balance.currency),
    }


def _view(kept: KeptPosting) -> dict[str, Any]:
    posting = kept.posting
    return {
        "number": kept.number,
        "key": posting.key,
        "kind": posting.kind.value,
        "at_ms": posting.at_ms,
        "currency": posting.currency,
        "transfers": [
            {"debit": t.debit, "credit": t.credit, "amount": _text(t.amount, posting.currency)}
            for t in posting.transfers
        ],
        "memo": posting.memo,
        "subject": posting.subject,
        "refs": list(posting.refs),
        "record": posting.record,
    }


ROUTES = (
    post_posting,
    post_reversal,
    get_postings,
    get_balances,
    get_balance_sheet,
    get_statement,
    get_journal_csv,
    get_journal_parquet,
)
