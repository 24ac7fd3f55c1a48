"""`wattseal privacy`: what is held about a person, handed out or erased, and for how long, at a running CSMS."""

import asyncio
from typing import Annotated, Any
from urllib.parse import quote

from cyclopts import App, Parameter

from wattseal.cli.account import EXPORT_TIMEOUT_S, export
from wattseal.cli.output import JsonOutput, json_line
from wattseal.cli.remote import TokenFile, Url, connected

app = App(name="privacy", help="Hand out or erase what is held about a person; show how long things are kept.")
app.command(export)
BLOCKED = {
    "account_not_empty": "something is on the account, or held, or owed: pay it out, or write it off",
    "not_yet_invoiced": "sessions are still to be invoiced or credited: issue those first",
    "payment_open": "a payment is under way: wait for it, or cancel it",
    "session_active": "a session is running",
    "session_not_billed": "a session is not billed yet, or waits in quarantine for a decision",
}


@app.command
def erase(
    account: str,
    /,
    *,
    url: Url,
    token_file: TokenFile,
    confirm: Annotated[str | None, Parameter(help="The code that the run without it has printed.")] = None,
    json: JsonOutput = False,
) -> int:
    """Erase an account's holder: name, cards, and what says in records who it was. Proofs and bills stay.

    Without --confirm nothing is changed: what would go is listed, with the code that confirms exactly that.
    """
    told = asyncio.run(_ask(url, token_file, account, confirm))
    if json:
        print(json_line(told))
        return 0
    _show(told)
    if confirm is not None:
        print("erased; a signed record without a name says so. Earlier backups still hold the person: see the manual")
    elif told["blocked"]:
        return 1
    else:
        print(f"nothing was changed; to erase it for good: --confirm {told['code']}")
    return 0


@app.command
def retention(*, url: Url, token_file: TokenFile, json: JsonOutput = False) -> None:
    """Show for how long each kind of data is kept there, by which setting, and what becomes of it then."""
    lines = asyncio.run(_kept(url, token_file))
    if json:
        print(json_line(lines))
        return
    for line in lines:
        by = f" ({line['setting']})" if line["setting"] else ""
        print(f"{line['what']}: {line['lasts']}{by}; then {line['then']}")


async def _kept(url: str, token_file: TokenFile) -> list[dict[str, Any]]:
    async with connected(url, token_file) as client:
        told: list[dict[str, Any]] = (await client.json("GET", "/settings"))["retention"]
        return told


def _show(told: dict[str, Any]) -> None:
    print(f"cards      {told['cards']}")
    print(f"sessions   {told['sessions']}, which stay in the books without who it was")
    print(f"records    {told['records']}, whose boxes with cards and frames are destroyed")
    for line in told["documents"]:
        print(f"{line['kind']:10} {line['count']} {line['fate']}: {line['why']}")
    if told["invoices_kept"]:
        print(
            f"invoices   {told['invoices_kept']} stay as the law wants it, the last until {told['invoices_kept_until']}"
        )
    for code in told["blocked"]:
        print(f"first      {BLOCKED.get(code, code)} ({code})")


async def _ask(url: str, token_file: TokenFile, account: str, code: str | None) -> Any:
    path = f"/accounts/{quote(account, safe='')}/erasure"
    async with connected(url, token_file, EXPORT_TIMEOUT_S) as client:
        return await (client.json("GET", path) if code is None else client.json("POST", path, body={"code": code}))
