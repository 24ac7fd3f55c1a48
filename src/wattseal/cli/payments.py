"""`wattseal payments`: payments of a running CSMS, and its settlement report."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Table

from wattseal.base.errors import InputError
from wattseal.base.text import shown
from wattseal.cli.output import JsonOutput, json_line
from wattseal.cli.remote import TokenFile, Url, connected

app = App(name="payments", help="List payments; hold provider, ledger and sessions against each other.")
Since = Annotated[str, Parameter(help="From this moment on, such as 2026-01-01T00:00:00Z.")]
Until = Annotated[str, Parameter(help="Before this moment.")]
CsvFile = Annotated[Path | None, Parameter(help="Write the differences here as CSV.")]


@app.command(name="list")
def list_(*, url: Url, token_file: TokenFile, json: JsonOutput = False) -> None:
    """List all payments in the order they were begun."""
    found = asyncio.run(_payments(url, token_file))
    if json:
        print(json_line(found))
        return
    table = Table("id", "purpose", "state", "currency", "authorised", "captured", "refunded", "session")
    for one in found:
        amounts = (one["authorised"], one["captured"], one["refunded"])
        table.add_row(one["id"], one["purpose"], one["state"], one["currency"], *amounts, one["transaction"] or "")
    Console().print(table)


@app.command
def report(
    *,
    url: Url,
    token_file: TokenFile,
    since: Since,
    until: Until,
    csv: CsvFile = None,
    json: JsonOutput = False,
) -> int:
    """Hold provider, ledger and sessions of a time against each other; every difference is named.

    Exit code 0 where nothing differs, 1 where something does, 2 where the provider does not answer.
    """
    found, rows = asyncio.run(_report(url, token_file, since, until, want_csv=csv is not None))
    if csv is not None:
        try:
            csv.write_bytes(rows)
        except OSError as error:
            raise InputError(f"cannot write {csv}: {error.strerror}", code="not_written", subject=str(csv)) from error
    if json:
        print(json_line(found))
    else:
        _print(found)
    if found["provider_unreachable"] is not None:
        return 2
    return 1 if found["differences"] else 0


def _print(found: dict[str, Any]) -> None:
    print(f"{found['provider']}: {found['lines']} lines of its balance, {found['payments']} payments")
    for side in ("provider", "ledger"):
        nets = ", ".join(f"{amount} {currency}" for currency, amount in found[f"{side}_net"].items()) or "nothing"
        print(f"{side}: {nets}")
    if found["provider_unreachable"] is not None:
        print(f"the provider does not answer: {shown(found['provider_unreachable'])}")
    if not found["differences"]:
        print("nothing differs")
        return
    table = Table("difference", "ours", "theirs", "currency", "payment", "reference", "session")
    for one in found["differences"]:
        cells = (one["code"], one["ours"], one["theirs"], one["currency"], one["payment"], one["reference"])
        table.add_row(*(shown(cell or "") for cell in (*cells, one["session"])))
    Console().print(table)


async def _payments(url: str, token_file: Path) -> list[Any]:
    async with connected(url, token_file) as client:
        return [row async for row in client.rows("/payments")]


async def _report(url: str, token_file: Path, since: str, until: str, *, want_csv: bool) -> tuple[Any, bytes]:
    query = {"since": since, "until": until}
    async with connected(url, token_file) as client:
        found = await client.json("GET", "/payments/settlement-report", query=query)
        rows = await client.bytes("/payments/settlement-report.csv", query=query) if want_csv else b""
    return found, rows
