"""`wattseal people`: who works with a running CSMS, and the way back in for whoever runs the machine."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Table

from wattseal.base.errors import ConfigError
from wattseal.base.text import shown
from wattseal.cli.output import JsonOutput, json_line
from wattseal.cli.remote import TokenFile, Url, connected

app = App(name="people", help="Make the one-time link of a new owner; list people.")


@app.command(name="owner-link")
def owner_link(
    *,
    data: Annotated[Path, Parameter(help="The data directory of a running `wattseal serve`.")],
    url: Annotated[str | None, Parameter(help="Where people open the pages; http://localhost:PORT by default.")] = None,
    host: Annotated[str, Parameter(help="Where it listens, if not on this machine's loopback.")] = "127.0.0.1",
    json: JsonOutput = False,
) -> None:
    """Print a link by which its opener becomes an owner, once: for whoever may read the data directory.

    It is for the first owner, and for when every owner has lost all ways to sign in. Earlier such links are void. What
    is done with it is on record.
    """
    try:
        port = msgspec.json.decode((data / "ports.json").read_bytes(), type=dict[str, int])["http"]
    except (OSError, KeyError, msgspec.DecodeError) as error:
        text = f"no `wattseal serve` has worked in {data}; start it, its first start prints the link as well"
        raise ConfigError(text, code="not_running", subject=str(data)) from error
    told = asyncio.run(_ask(f"http://{host}:{port}", data / "admin-token", "POST", "/people/owner-link"))
    link = f"{(url or f'http://localhost:{port}').rstrip('/')}/join/{told['secret']}"
    print(json_line({"owner_link": link}) if json else link)


@app.command(name="list")
def list_people(*, url: Url, token_file: TokenFile, json: JsonOutput = False) -> None:
    """List people, their roles and whether they may sign in."""
    told = asyncio.run(_ask(url, token_file, "GET", "/people"))
    if json:
        print(json_line(told))
        return
    table = Table("id", "name", "roles", "status", box=None)
    for one in told:
        table.add_row(one["id"], shown(one["name"] or ""), ", ".join(one["roles"]), one["status"])
    Console().print(table)


async def _ask(url: str, token_file: Path, method: str, path: str) -> Any:
    async with connected(url, token_file) as client:
        return await client.json(method, path)
