"""Bills as a table: a row a bill, for accounting programs and analysts."""

from collections.abc import AsyncIterator
from decimal import Decimal

from wattseal.flow.charges.bundling import utc_from_ms
from wattseal.flow.money.bills import LATEST_MS, all_bills
from wattseal.flow.world import World
from wattseal.model.billing import Bill

COLUMNS = (
    ("id", "VARCHAR"),
    ("account", "VARCHAR"),
    ("party", "VARCHAR"),
    ("station_id", "VARCHAR"),
    ("evse_id", "BIGINT"),
    ("started", "TIMESTAMP"),
    ("ended", "TIMESTAMP"),
    ("billed", "TIMESTAMP"),
    ("energy_wh", "DECIMAL(24, 6)"),
    ("currency", "VARCHAR"),
    ("net", "DECIMAL(24, 4)"),
    ("vat", "DECIMAL(24, 4)"),
    ("charged", "DECIMAL(24, 4)"),
    ("country", "VARCHAR"),
    ("tariff_id", "VARCHAR"),
    ("tariff", "VARCHAR"),
    ("grade", "VARCHAR"),
    ("source", "VARCHAR"),
    ("state", "VARCHAR"),
    ("ruling", "VARCHAR"),
    ("invoice", "VARCHAR"),
    ("credit_cdr", "VARCHAR"),
    ("credit_note", "VARCHAR"),
    ("corrects", "VARCHAR"),
    ("posting", "VARCHAR"),
    ("evidence", "VARCHAR"),
)
"""Columns and their types (DuckDB). Amounts are in units of the currency, times UTC."""
Row = tuple[str | int | Decimal | None, ...]


def row_of(bill: Bill) -> Row:
    """Return a bill's row."""
    charged = bill.total.before_tax if bill.total.after_tax is None else bill.total.after_tax
    return (
        bill.id,
        bill.account,
        bill.party,
        bill.station_id,
        bill.evse_id,
        _instant(bill.started_ms),
        _instant(bill.ended_ms),
        _instant(bill.billed_ms),
        bill.energy_wh,
        bill.currency,
        bill.total.before_tax,
        charged - bill.total.before_tax,
        charged,
        bill.country,
        bill.tariff_id,
        bill.tariff,
        bill.grade.name,
        bill.source.value,
        bill.state.value,
        bill.ruling,
        bill.invoice,
        bill.credit,
        bill.credit_note,
        bill.corrects,
        bill.posting,
        bill.evidence,
    )


def _instant(ms: int) -> str:
    return utc_from_ms(ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def bill_rows(world: World, from_ms: int = 0, to_ms: int = LATEST_MS) -> AsyncIterator[Row]:
    """Yield the bills made from `from_ms` on and before `to_ms`, in that order."""
    async for bill in all_bills(world, from_ms, to_ms):
        yield row_of(bill)
