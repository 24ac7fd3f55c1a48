"""Statements of accounts: what was there, what came and went, what is left; and every session, free ones too."""

from typing import Any

from litestar import get

from wattseal.base.errors import InputError
from wattseal.flow.money.accounts import account_of
from wattseal.flow.money.bills import LATEST_MS
from wattseal.flow.money.statements import AccountStatement, account_statement
from wattseal.model.billing import Bill
from wattseal.rules.holding import in_units
from wattseal.serve.api.invoice_views import amount
from wattseal.serve.api.invoices import READ, month_span
from wattseal.serve.api.paging import Instant, milliseconds
from wattseal.serve.api.problems import ProblemError, demand
from wattseal.serve.api.service import ShortQuery, What, Who


@get("/statements")
async def get_statement(
    principal: Who,
    service: What,
    *,
    account: ShortQuery = None,
    month: ShortQuery = None,
    since: Instant = None,
    until: Instant = None,
    currency: ShortQuery = None,
) -> dict[str, Any]:
    """Show an account's statement of a `month` (YYYY-MM, where the stations are), or from `since` to before `until`.

    Amounts are what the customer has with us; below zero is owed. Opening, lines and closing are the ledger's.
    """
    demand(principal, READ)
    world = service.world
    if account is None:
        raise InputError("say whose statement: account", code="bad_field", subject="account")
    found = await account_of(world, account)
    wanted = currency or (None if found is None else found.currency)
    if wanted is None:
        raise ProblemError(404, "not_found", "there is no such account; name the currency where nobody opened one")
    if month is not None:
        from_ms, to_ms = month_span(month, service)
    else:
        from_ms = milliseconds(since, "since") or 0
        to_ms = milliseconds(until, "until") or LATEST_MS
    told = await account_statement(world, account, wanted, from_ms, to_ms)
    return _view(told, account, wanted) | {"since_ms": from_ms, "until_ms": to_ms}


def _view(told: AccountStatement, account: str, currency: str) -> dict[str, Any]:
    def text(minor: int) -> str:
        return amount(in_units(minor, currency))

    return {
        "account": account,
        "currency": currency,
        "opening": text(told.opening),
        "sums": {kind.value: text(total) for kind, total in told.sums().items()},
        "lines": [
            {
                "at_ms": line.kept.posting.at_ms,
                "kind": line.kept.posting.kind.value,
                "amount": text(line.amount),
                "balance": text(line.balance),
                "session": line.kept.posting.subject,
                "key": line.kept.posting.key,
                "memo": line.kept.posting.memo,
            }
            for line in told.lines
        ],
        "closing": text(told.closing),
        "held": text(told.held),
        "sessions": [_session(bill) for bill in told.sessions],
        "invoices": [one.number for one in told.invoices],
        "more": told.more,
    }


def _session(bill: Bill) -> dict[str, Any]:
    charged = bill.total.before_tax if bill.total.after_tax is None else bill.total.after_tax
    return {
        "session": bill.id,
        "station_id": bill.station_id,
        "evse_id": bill.evse_id,
        "started_at_ms": bill.started_ms,
        "ended_at_ms": bill.ended_ms,
        "energy_wh": amount(bill.energy_wh),
        "charged": amount(charged),
        "state": bill.state.value,
        "invoice": bill.invoice,
        "credit_note": bill.credit_note,
    }


ROUTES = (get_statement,)
