"""Bills: what sessions came to, and their CDRs as partners get them."""

from typing import Any

from litestar import Response, get
from litestar.enums import MediaType
from litestar.params import FromPath
from litestar.response import Stream

from wattseal.flow.money.bill_rows import COLUMNS, bill_rows
from wattseal.flow.money.bills import LATEST_MS, all_bills, bill_of, bills_of_account
from wattseal.flow.money.cdrs import cdr_by_id
from wattseal.flow.money.receipts import known_receipt
from wattseal.model.billing import Bill
from wattseal.serve.api.paging import Instant, milliseconds
from wattseal.serve.api.problems import ProblemError, demand
from wattseal.serve.api.service import Limit, ShortQuery, What, Who
from wattseal.serve.api.tables import CSV, PARQUET, csv_stream, parquet_stream
from wattseal.wire.ocpi.v2_2_1.cdrs import encode_cdr

READ = "bills:read"


@get("/bills")
async def get_bills(
    principal: Who,
    service: What,
    *,
    limit: Limit = 100,
    account: ShortQuery = None,
    since: Instant = None,
    until: Instant = None,
) -> list[dict[str, Any]]:
    """List bills: all in the order they were made, or an account's in the order its sessions ended.

    `since` is inclusive, `until` exclusive: the last one's time leads on.
    """
    demand(principal, READ)
    world = service.world
    from_ms, to_ms = milliseconds(since, "since"), milliseconds(until, "until")
    bounds = {k: v for k, v in (("from_ms", from_ms), ("to_ms", to_ms)) if v is not None}
    bills = all_bills(world, **bounds) if account is None else bills_of_account(world, account, **bounds)
    views: list[dict[str, Any]] = []
    async for bill in bills:
        views.append(bill_view(bill))
        if len(views) == limit:
            break
    return views


@get("/bills/table.csv", media_type=CSV)
async def get_bills_csv(principal: Who, service: What, *, since: Instant = None, until: Instant = None) -> Stream:
    """Return the bills made from `since` to before `until` as CSV, one row a bill; text in it is no formula."""
    demand(principal, READ)
    return csv_stream([name for name, _ in COLUMNS], bill_rows(service.world, *_period(since, until)))


@get("/bills/table.parquet", media_type=PARQUET)
async def get_bills_parquet(principal: Who, service: What, *, since: Instant = None, until: Instant = None) -> Stream:
    """Return the same as a Parquet file: times as timestamps, amounts and energies as decimals."""
    demand(principal, READ)
    return await parquet_stream(COLUMNS, bill_rows(service.world, *_period(since, until)))


def _period(since: str | None, until: str | None) -> tuple[int, int]:
    to_ms = milliseconds(until, "until")
    return milliseconds(since, "since") or 0, LATEST_MS if to_ms is None else to_ms


@get("/bills/{bill_id:str}")
async def get_bill(principal: Who, service: What, bill_id: FromPath[str]) -> dict[str, Any]:
    """Show a bill; a session's first one has the session's id. `receipt` is the id of its receipt, if it has one."""
    demand(principal, READ)
    found = await bill_of(service.world, bill_id)
    if found is None:
        raise ProblemError(404, "not_found", "there is no such bill")
    return bill_view(found) | {"receipt": await known_receipt(service.world, bill_id)}


@get("/cdrs/{cdr_id:str}")
async def get_cdr(principal: Who, service: What, cdr_id: FromPath[str]) -> Response[bytes]:
    """Return a CDR in OCPI 2.2.1: a session's first, the credit that took it back (-C), the one in its place (-1)."""
    demand(principal, READ)
    found = await cdr_by_id(service.world, cdr_id)
    if found is None:
        raise ProblemError(404, "not_found", "there is no such CDR")
    raw, _ = encode_cdr(found)
    return Response(raw, media_type=MediaType.JSON)


def bill_view(bill: Bill) -> dict[str, Any]:
    """Return a bill as the API shows it; amounts and energies are text."""
    after_tax = bill.total.before_tax if bill.total.after_tax is None else bill.total.after_tax
    return {
        "id": bill.id,
        "account": bill.account,
        "party": bill.party,
        "station_id": bill.station_id,
        "evse_id": bill.evse_id,
        "started_at_ms": bill.started_ms,
        "ended_at_ms": bill.ended_ms,
        "billed_at_ms": bill.billed_ms,
        "energy_wh": format(bill.energy_wh, "f"),
        "currency": bill.currency,
        "total_excl_vat": format(bill.total.before_tax, "f"),
        "total_incl_vat": format(after_tax, "f"),
        "taxes": [
            {
                "percent": None if part.percent is None else format(part.percent, "f"),
                "net": format(part.net, "f"),
                "tax": format(part.tax, "f"),
            }
            for part in bill.taxes
        ],
        "tariff": {"id": bill.tariff_id, "record": bill.tariff},
        "grade": bill.grade.name,
        "source": bill.source.value,
        "evidence": bill.evidence,
        "posting": bill.posting or None,
        "ruling": bill.ruling,
        "state": bill.state.value,
        "invoice": bill.invoice,
        "credit_cdr": bill.credit,
        "corrects": bill.corrects,
    }


ROUTES = (get_bills_csv, get_bills_parquet, get_bills, get_bill, get_cdr)
