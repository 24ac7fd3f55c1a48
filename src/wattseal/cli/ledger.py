"""`wattseal ledger`: the books of a running CSMS, and what a person posts by hand."""

import asyncio
import sys
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Table

from wattseal.app.api_client import ApiClient
from wattseal.base.errors import InputError
from wattseal.base.text import shown
from wattseal.cli.output import JsonOutput, json_line
from wattseal.cli.remote import TokenFile, Url, connected

app = App(name="ledger", help="Read the books, post by hand, export the journal.")
Reason = Annotated[str, Parameter(help="Why; stands in the signed record.")]
Since = Annotated[str | None, Parameter(help="From this moment on, such as 2026-01-01T00:00:00Z.")]
Until = Annotated[str | None, Parameter(help="Before this moment.")]


class ByHand(Enum):
    """What a person posts."""

    OPENING = "opening"
    TOP_UP = "top_up"
    PAYMENT = "payment"
    PAYOUT = "payout"
    WRITE_OFF = "write_off"


@app.command
def balances(*, url: Url, token_file: TokenFile, prefix: str = "", json: JsonOutput = False) -> None:
    """List what accounts have come to, on the side on which each grows."""
    found = asyncio.run(_rows(url, token_file, "/ledger/balances", {"prefix": prefix}))
    if json:
        print(json_line(found))
        return
    table = Table("account", "balance", "currency", "debits", "credits")
    for one in found:
        table.add_row(one["account"], one["balance"], one["currency"], one["debits"], one["credits"])
    Console().print(table)


@app.command
def sheet(*, url: Url, token_file: TokenFile, json: JsonOutput = False) -> int:
    """Show each currency's books by class. Exit code 1 where one does not come to zero: the database was changed."""
    found = asyncio.run(_ask(url, token_file, "GET", "/ledger/balance-sheet"))
    wrong = [one["currency"] for one in found if Decimal(one["total"]) != 0]
    if json:
        print(json_line(found))
        return 1 if wrong else 0
    table = Table("class", "debits less credits", "currency")
    for one in found:
        for name, amount in one["classes"].items():
            table.add_row(name, amount, one["currency"])
        table.add_row("total", one["total"], one["currency"], end_section=True)
    Console().print(table)
    return 1 if wrong else 0


@app.command
def statement(
    account: str,
    /,
    *,
    currency: str,
    url: Url,
    token_file: TokenFile,
    since: Since = None,
    until: Until = None,
    json: JsonOutput = False,
) -> None:
    """Show an account's postings with its balance before, after each, and at the end."""
    query = _given(account=account, currency=currency, since=since, until=until)
    told = asyncio.run(_statement(url, token_file, query))
    if json:
        print(json_line(told))
        return
    table = Table("number", "kind", "amount", "balance", "key", "memo")
    table.add_row("", "opening", "", told["opening"], "", "")
    for line in told["lines"]:
        texts = (shown(line["key"]), shown(line["memo"]))
        table.add_row(str(line["number"]), line["kind"], line["amount"], line["balance"], *texts)
    table.add_row("", "closing", "", told["closing"], "", "")
    Console().print(table)


@app.command
def post(
    kind: ByHand,
    account: str,
    amount: str,
    currency: str,
    /,
    *,
    reason: Reason,
    url: Url,
    token_file: TokenFile,
    reference: Annotated[str | None, Parameter(help="What it is made for: one posting is made for it.")] = None,
    json: JsonOutput = False,
) -> None:
    """Post an opening balance, money in or out, or a write-off, and print the posting's key.

    Asked for again with the same reference, nothing more is posted. An amount below zero stands behind `--`.
    """
    body = {"kind": kind.value, "account": account, "amount": amount, "currency": currency, "reason": reason}
    body |= _given(reference=reference)
    told = asyncio.run(_ask(url, token_file, "POST", "/ledger/postings", body))
    print(json_line(told) if json else told["key"])


@app.command
def reverse(key: str, /, *, reason: Reason, url: Url, token_file: TokenFile, json: JsonOutput = False) -> None:
    """Take back a posting that was made by hand, and print the key of what takes it back."""
    told = asyncio.run(_ask(url, token_file, "POST", "/ledger/reversals", {"key": key, "reason": reason}))
    print(json_line(told) if json else told["key"])


@app.command
def export(
    *,
    url: Url,
    token_file: TokenFile,
    out: Annotated[Path | None, Parameter(help="The file, .csv or .parquet; CSV on standard output without.")] = None,
    since: Since = None,
    until: Until = None,
) -> None:
    """Export the journal for an accounting program, one row a transfer."""
    if out is not None and out.suffix not in {".csv", ".parquet"}:
        raise InputError("the file's name ends in .csv or .parquet", code="bad_file_name", subject=str(out))
    suffix = ".csv" if out is None else out.suffix
    whole = asyncio.run(_bytes(url, token_file, f"/ledger/journal{suffix}", _given(since=since, until=until)))
    if out is None:
        sys.stdout.buffer.write(whole)
    else:
        out.write_bytes(whole)


def _given(**values: str | None) -> dict[str, str]:
    return {name: value for name, value in values.items() if value is not None}


async def _ask(url: str, token_file: Path, method: str, path: str, body: Any = None) -> Any:
    async with connected(url, token_file) as client:
        return await client.json(method, path, body=body)


async def _bytes(url: str, token_file: Path, path: str, query: dict[str, str]) -> bytes:
    async with connected(url, token_file) as client:
        return await client.bytes(path, query=query)


async def _rows(url: str, token_file: Path, path: str, query: dict[str, str]) -> list[Any]:
    async with connected(url, token_file) as client:
        return [row async for row in client.rows(path, query=query)]


async def _statement(url: str, token_file: Path, query: dict[str, str]) -> Any:
    async with connected(url, token_file) as client:
        told = await _page(client, query)
        while told["next_after"] is not None:
            further = await _page(client, query | {"after": str(told["next_after"])})
            told |= {"lines": told["lines"] + further["lines"], "closing": further["closing"]}
            told["next_after"] = further["next_after"]
        return told


async def _page(client: ApiClient, query: dict[str, str]) -> Any:
    return await client.json("GET", "/ledger/statement", query=query)
