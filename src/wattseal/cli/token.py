"""`wattseal token`: one token of a running CSMS, and codes by which an app begins a charge on it."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from wattseal.base.text import shown
from wattseal.cli.output import JsonOutput, json_line
from wattseal.cli.remote import TokenFile, Url, connected
from wattseal.rules.app_codes import LIFE_S
from wattseal.stores.files import write_durably

app = App(name="token", help="Block one token, let it charge again; sign codes by which an app begins a charge.")
Out = Annotated[Path | None, Parameter(help="Write a QR code of it there as SVG.")]


@app.command
def block(id_token: str, /, *, url: Url, token_file: TokenFile, json: JsonOutput = False) -> None:
    """Block one token, a copied card for example; its account and the account's other tokens go on."""
    _status(url, token_file, id_token, "Blocked", json=json)


@app.command
def unblock(id_token: str, /, *, url: Url, token_file: TokenFile, json: JsonOutput = False) -> None:
    """Let a token charge again."""
    _status(url, token_file, id_token, "Accepted", json=json)


@app.command
def code(
    id_token: str,
    /,
    *,
    station: Annotated[str, Parameter(help="Station where the charge is to begin.")],
    evse: Annotated[int, Parameter(help="Its EVSE.")],
    url: Url,
    token_file: TokenFile,
    valid_s: Annotated[int, Parameter(help="For how many seconds it is good, 900 at most.")] = LIFE_S,
    out: Out = None,
    json: JsonOutput = False,
) -> None:
    """Sign a code by which an app begins one charge on a token, at one EVSE, and print its text."""
    body = {"id_token": id_token, "station_id": station, "evse_id": evse, "valid_s": valid_s}
    told = asyncio.run(_ask(url, token_file, "/codes", body))
    if out is not None:
        write_durably(out, told["qr_svg"].encode(), 0o600)
    print(json_line(told) if json else told["code"])


def _status(url: str, token_file: Path, id_token: str, status: str, *, json: bool) -> None:
    told = asyncio.run(_ask(url, token_file, "/tokens/status", {"id_token": id_token, "status": status}))
    print(json_line(told) if json else f"{shown(told['id_token'], limit=255)}: {told['status']}")


async def _ask(url: str, token_file: Path, path: str, body: dict[str, Any]) -> Any:
    async with connected(url, token_file) as api:
        return await api.json("POST", path, body=body)
