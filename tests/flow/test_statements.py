"""Statements are the ledger's figures; tables of bills carry no formula into anybody's spreadsheet."""

import csv
import io
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from tests.flow.test_invoices import posted
from tests.support.bills import AT_MS, bill, share
from tests.support.invoicing import customer, desk_of, issue_all, put_bills, selling_world

from wattseal.base import spreadsheet
from wattseal.flow.money.bill_rows import COLUMNS, bill_rows, row_of
from wattseal.flow.money.statements import account_statement
from wattseal.flow.world import World
from wattseal.model.billing import Bill, BillState
from wattseal.model.ledger import Posting, PostingKind, Transfer
from wattseal.rules.charge_posting import ChargeFor, charge_posting, charge_reversal
from wattseal.stores.parquet import ParquetWriter

LATER = 10**15 - 1
HOUR = 3_600_000
INJECTIONS = (
    '=cmd|"/c calc"!A1',
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1+1",
    "\uff1d1+1",
    "=HYPERLINK(1)",
    'a","b',
    "x\r\n=1",
)


async def charged(world: World, one: Bill) -> Posting:
    charge = ChargeFor(
        bytes.fromhex(one.evidence), one.account, "EUR", "DE", one.taxes, {}, (), one.billed_ms, one.id, ()
    )
    posting = charge_posting(charge)
    assert posting is not None
    await posted(world, posting)
    return posting


async def test_a_month_opens_with_what_was_there_and_closes_with_what_is_left() -> None:
    world = selling_world()
    account = await customer(world)
    top_up = Transfer("bank/main", f"customer/{account}", 2000)
    await posted(world, Posting("manual/top_up/1", PostingKind.TOP_UP, "EUR", AT_MS - HOUR, (top_up,)))
    one, other = bill(1, account=account), bill(2, account=account)
    free = bill(3, share("0", "19"), account=account)
    await charged(world, one)
    taken = await charged(world, other)
    reversal = charge_reversal(taken, account, other.billed_ms + HOUR, ())
    await posted(world, reversal)
    await put_bills(world, one, replace(other, state=BillState.REVERSED), free)
    await issue_all(desk_of(world))
    told = await account_statement(world, account, "EUR", AT_MS, LATER)
    assert (told.opening, told.closing) == (2000, 2000 - 595)
    assert told.sums() == {PostingKind.CHARGE: -1190, PostingKind.REVERSAL: 595}
    assert told.opening + sum(told.sums().values()) == told.closing
    assert [b.id for b in told.sessions] == [one.id, other.id, free.id]
    assert [one.number for one in told.invoices] == ["LW-2026-000001"]
    nothing = await account_statement(world, account, "EUR", LATER - 1, LATER)
    assert (nothing.opening, nothing.lines, nothing.sessions) == (told.closing, (), ())


async def test_what_is_held_is_still_the_customers_and_no_line() -> None:
    world = selling_world()
    account = await customer(world)
    free, aside = f"customer/{account}", f"held/{account}"
    await posted(world, Posting("hold/1", PostingKind.HOLD, "EUR", AT_MS, (Transfer(free, aside, 5000),)))
    one = bill(1, account=account)
    releases = (Transfer(aside, free, 5000),)
    charge = ChargeFor(
        bytes.fromhex(one.evidence), account, "EUR", "DE", one.taxes, {}, releases, one.billed_ms, one.id, ()
    )
    during = await account_statement(world, account, "EUR", 0, LATER)
    assert (during.closing, during.held, during.lines) == (0, 5000, ())
    await posted(world, charge_posting(charge))
    after = await account_statement(world, account, "EUR", 0, LATER)
    assert (after.closing, after.held, after.sums()) == (-595, 0, {PostingKind.CHARGE: -595})


@pytest.mark.parametrize("text", INJECTIONS)
def test_no_name_in_a_table_of_bills_is_a_formula(text: str) -> None:
    hostile = replace(bill(1), station_id=text, tariff_id=text, party=text)
    (cells,) = csv.reader(io.StringIO(spreadsheet.row(row_of(hostile)), newline=""))
    named = dict(zip((name for name, _ in COLUMNS), cells, strict=True))
    for column in ("station_id", "tariff_id", "party"):
        assert named[column].removeprefix("'") == text
        assert named[column].lstrip(" \t\r\n")[:1] not in {"=", "+", "-", "@", "\uff1d"}
    assert Decimal(named["charged"]) == Decimal("5.95")


async def test_a_table_of_bills_is_exact_as_parquet(tmp_path: Path) -> None:
    world = selling_world()
    account = await customer(world)
    await put_bills(world, *(bill(n, account=account, energy_wh="12345.678") for n in range(3)))
    rows = [row async for row in bill_rows(world)]
    with ParquetWriter(COLUMNS) as writer:
        writer.add(rows)
        path = writer.write()
        target = tmp_path / "bills.parquet"
        target.write_bytes(path.read_bytes())
    found = duckdb.execute(
        "select sum(charged), sum(energy_wh), count(*) from read_parquet(?)", [str(target)]
    ).fetchone()
    assert found == (Decimal("17.8500"), Decimal("37037.034000"), 3)
