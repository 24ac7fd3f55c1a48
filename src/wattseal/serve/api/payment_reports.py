"""The settlement report over HTTP, as JSON and CSV, and importing a provider's payouts."""

from decimal import Decimal
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.params import JSONBody

from wattseal.base import spreadsheet
from wattseal.base.errors import InputError
from wattseal.flow.money.settlement_report import Report, import_lines, settlement_report
from wattseal.model.payment import Unreachable
from wattseal.rules.holding import in_units
from wattseal.rules.payment_settlement import Difference
from wattseal.serve.api.bodies import Body
from wattseal.serve.api.paging import Instant, milliseconds
from wattseal.serve.api.payments import READ, WRITE
from wattseal.serve.api.problems import ProblemError, demand
from wattseal.serve.api.service import Service, What, Who

CSV = "text/csv"
COLUMNS = ("code", "currency", "ours", "theirs", "payment", "reference", "session")
Moment = Annotated[str, msgspec.Meta(max_length=64, extra_json_schema={"format": "date-time"})]


class ImportBody(Body, frozen=True, kw_only=True):
    """The time whose payouts and fees are to be posted."""

    since: Moment
    until: Moment


@get("/payments/settlement-report")
async def get_report(principal: Who, service: What, since: Instant = None, until: Instant = None) -> dict[str, Any]:
    """Hold provider, ledger and sessions of a time against each other; every difference is named.

    Both `since` and `until` are needed.
    """
    demand(principal, READ)
    report = await _report(service, since, until)
    return {
        "provider": report.provider,
        "from_ms": report.from_ms,
        "to_ms": report.to_ms,
        "lines": report.lines,
        "payments": report.payments,
        "provider_net": {c: _money(amount, c) for c, amount in sorted(report.provider_net.items())},
        "ledger_net": {c: _money(amount, c) for c, amount in sorted(report.ledger_net.items())},
        "provider_unreachable": report.unreachable,
        "differences": list(map(_row, report.differences)),
    }


@get("/payments/settlement-report.csv", media_type=CSV)
async def get_report_csv(principal: Who, service: What, since: Instant = None, until: Instant = None) -> Response[str]:
    """Return the differences as CSV, one row each; both `since` and `until` are needed."""
    demand(principal, READ)
    report = await _report(service, since, until)
    rows = (spreadsheet.row(cells) for cells in (COLUMNS, *map(_cells, report.differences)))
    return Response("".join(rows), media_type=f"{CSV}; charset=utf-8; header=present")


@post("/payments/imports", status_code=200)
async def post_import(principal: Who, service: What, data: JSONBody[ImportBody]) -> dict[str, Any]:
    """Post the payouts and fees of the provider's balance, each once; it is also done every hour for the last days."""
    demand(principal, WRITE)
    from_ms, to_ms = milliseconds(data.since, "since") or 0, milliseconds(data.until, "until") or 0
    done = await import_lines(service.world, from_ms, to_ms)
    if isinstance(done, Unreachable):
        raise ProblemError(502, "provider_unreachable", "the payment provider does not answer; try again later")
    return {"posted": done.posted, "known": done.known}


async def _report(service: Service, since: str | None, until: str | None) -> Report:
    from_ms, to_ms = milliseconds(since, "since"), milliseconds(until, "until")
    if from_ms is None or to_ms is None:
        text = "say of which time, with since and until like 2026-01-31T12:00:00Z"
        raise InputError(text, code="bad_time", subject="since" if from_ms is None else "until")
    return await settlement_report(service.world, from_ms, to_ms)


def _cells(found: Difference) -> tuple[str | Decimal | None, ...]:
    amounts = (None if a is None else in_units(a, found.currency) for a in (found.ours, found.theirs))
    return (found.code, found.currency or None, *amounts, found.payment, found.reference, found.transaction)


def _row(found: Difference) -> dict[str, str | None]:
    cells = (format(cell, "f") if isinstance(cell, Decimal) else cell for cell in _cells(found))
    return dict(zip(COLUMNS, cells, strict=True))


def _money(amount: int, currency: str) -> str:
    return format(in_units(amount, currency), "f")


ROUTES = (get_report, get_report_csv, post_import)
