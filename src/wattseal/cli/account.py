"""`wattseal account`: accounts of those who pay, at a running CSMS."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated, Any
from urllib.parse import quote

from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Table

from wattseal.base.errors import InputError
from wattseal.base.text import shown
from wattseal.cli.output import JsonOutput, json_line
from wattseal.cli.remote import TokenFile, Url, connected
from wattseal.model.account import AccountKind

app = App(name="account", help="Open, change and close accounts of those who pay; hand out a driver's data.")
EXPORT_TIMEOUT_S = 3600.0
Text = Annotated[str, Parameter(help="Why; stands in the signed record.")]


@Parameter(name="*")
@dataclass(frozen=True)
class PayerOptions:
    """Whom the account's invoices are made out to; none of it stands in a record."""

    name: str | None = None
    address: str = ""
    postal_code: str = ""
    city: str = ""
    country: Annotated[str | None, Parameter(help="ISO 3166-1, two letters.")] = None
    vat_id: str | None = None
    email: str | None = None
    reference: Annotated[str | None, Parameter(help="What the payer wants quoted.")] = None

    def body(self) -> dict[str, Any] | None:
        """Return the payer for the API; None where nothing is said."""
        if self.name is None:
            return None
        return {name: value for name, value in vars(self).items() if value is not None}


@app.command(name="open")
def open_account(
    *,
    kind: AccountKind,
    currency: str,
    url: Url,
    token_file: TokenFile,
    limit: Annotated[str | None, Parameter(help="How far below zero it may fall, if credit or partner.")] = None,
    id: Annotated[str | None, Parameter(help="Of a partner: the eMSP's party.")] = None,  # noqa: A002 - its name
    payer: PayerOptions | None = None,
    text: Text = "",
    json: JsonOutput = False,
) -> None:
    """Open an account and print its id, which tokens name as their account."""
    body: dict[str, Any] = {"kind": kind.value, "currency": currency, "text": text}
    given = {"limit": limit, "id": id, "payer": None if payer is None else payer.body()}
    body |= {name: value for name, value in given.items() if value is not None}
    told = asyncio.run(_ask(url, token_file, "POST", "/accounts", body))
    print(json_line(told) if json else told["id"])


@app.command
def show(account: str, /, *, url: Url, token_file: TokenFile, json: JsonOutput = False) -> None:
    """Show an account: what is on it, what is held and for what, and who pays."""
    told = asyncio.run(_shown(url, token_file, account))
    if json:
        print(json_line(told))
        return
    for name, value in told.items():
        if name != "holds":
            print(f"{name:14} {shown(str(value), limit=200)}")
    for hold in told["holds"]:
        print(f"held           {hold['amount']} {told['currency']} for {hold['transaction']} at {hold['station_id']}")


@app.command(name="list")
def list_accounts(*, url: Url, token_file: TokenFile, json: JsonOutput = False) -> None:
    """List all accounts."""
    found = asyncio.run(_rows(url, token_file))
    if json:
        print(json_line(found))
        return
    table = Table("id", "kind", "currency", "limit", "status")
    for one in found:
        table.add_row(one["id"], one["kind"], one["currency"], one["limit"] or "none", one["status"])
    Console().print(table)


@app.command
def limit(account: str, amount: str, /, *, url: Url, token_file: TokenFile, text: Text = "") -> None:
    """Change how far below zero an account may fall."""
    _change(url, token_file, account, {"limit": amount, "text": text})


@app.command
def block(account: str, /, *, url: Url, token_file: TokenFile, text: Text = "") -> None:
    """Block an account: nothing more is begun on it; a running charge may use up what is held."""
    _change(url, token_file, account, {"status": "blocked", "text": text})


@app.command
def unblock(account: str, /, *, url: Url, token_file: TokenFile, text: Text = "") -> None:
    """Let a blocked account charge again."""
    _change(url, token_file, account, {"status": "open", "text": text})


@app.command
def close(account: str, /, *, url: Url, token_file: TokenFile, text: Text = "") -> None:
    """Close an account on which nothing is and nothing is held; it is kept for its history."""
    _change(url, token_file, account, {"status": "closed", "text": text})


@app.command
def payer(account: str, /, *, url: Url, token_file: TokenFile, payer: PayerOptions | None = None) -> None:
    """Write down whom an account's invoices are made out to; without --name erase it."""
    body = None if payer is None else payer.body()
    path = f"/accounts/{account}/payer"
    asyncio.run(_ask(url, token_file, "DELETE" if body is None else "PUT", path, body))
    print("erased" if body is None else "written down")


@app.command
def export(
    account: str,
    /,
    *,
    out: Annotated[Path, Parameter(help="The ZIP to write; it must not be there yet.")],
    url: Url,
    token_file: TokenFile,
) -> None:
    """Write everything that is held about an account's holder into a ZIP; a signed record says who asked.

    What comes is written beside it first, so that what is cut off is no archive.
    """
    if out.exists():
        raise InputError(f"{out} is there already; name another file", code="exists", subject=str(out))
    part = out.with_name(f"{out.name}.part")
    try:
        with part.open("wb") as file:
            part.chmod(0o600)
            size = asyncio.run(_exported(url, token_file, account, file))
        part.rename(out)
    finally:
        part.unlink(missing_ok=True)
    print(f"{out}: {size} bytes; README.txt in it says what each file is")


def _change(url: str, token_file: TokenFile, account: str, body: dict[str, Any]) -> None:
    told = asyncio.run(_ask(url, token_file, "PATCH", f"/accounts/{account}", body))
    print(f"{told['id']} is {told['status']}, limit {told['limit'] or 'none'} {told['currency']}")


async def _ask(url: str, token_file: TokenFile, method: str, path: str, body: Any = None) -> Any:
    async with connected(url, token_file) as client:
        return await client.json(method, path, body=body)


async def _exported(url: str, token_file: Path, account: str, file: IO[bytes]) -> int:
    size = 0
    async with connected(url, token_file, EXPORT_TIMEOUT_S) as client:
        async for chunk in client.chunks(f"/accounts/{quote(account, safe='')}/export"):
            size += file.write(chunk)
    return size


async def _shown(url: str, token_file: TokenFile, account: str) -> Any:
    async with connected(url, token_file) as client:
        told = await client.json("GET", f"/accounts/{account}")
        return told | {"holds": [hold async for hold in client.rows(f"/accounts/{account}/holds")]}


async def _rows(url: str, token_file: TokenFile) -> list[Any]:
    async with connected(url, token_file) as client:
        return [row async for row in client.rows("/accounts")]
