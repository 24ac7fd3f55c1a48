"""`wattseal quarantine`: sessions that are not billed until somebody decides, at a running CSMS."""

import asyncio
from typing import Annotated, Any

from cyclopts import App, Parameter

from wattseal.cli.output import JsonOutput, json_line
from wattseal.cli.remote import TokenFile, Url, connected

app = App(name="quarantine", help="See sessions that are not billed until somebody decides, and decide.")
Person = Annotated[str, Parameter(help="Who decides; it stands in the signed record.")]
Text = Annotated[str, Parameter(help="Why; it stands in the signed record.")]
Supersedes = Annotated[str | None, Parameter(help="The record of the decision that this one takes the place of.")]


@app.command(name="list")
def list_(*, url: Url, token_file: TokenFile, json: JsonOutput = False) -> int:
    """List the sessions that wait for a decision, with their reasons."""

    async def fetch() -> list[dict[str, Any]]:
        async with connected(url, token_file) as api:
            return [row async for row in api.rows("/quarantine")]

    rows = asyncio.run(fetch())
    if json:
        print(json_line(rows))
        return 0
    for row in rows:
        print(_line(row))
    print(f"{len(rows)} sessions wait for a decision")
    return 0


@app.command
def bill(
    session: str, /, *, person: Person, text: Text, url: Url, token_file: TokenFile, supersedes: Supersedes = None
) -> int:
    """Have a session billed as it was measured, in knowledge of all that speaks against it."""
    return _decide(
        session, {"verdict": "bill", "person": person, "text": text, "supersedes": supersedes}, url, token_file
    )


@app.command
def waive(
    session: str, /, *, person: Person, text: Text, url: Url, token_file: TokenFile, supersedes: Supersedes = None
) -> int:
    """Charge nothing for a session."""
    return _decide(
        session, {"verdict": "waive", "person": person, "text": text, "supersedes": supersedes}, url, token_file
    )


@app.command
def close(session: str, /, *, person: Person, text: Text, url: Url, token_file: TokenFile) -> int:
    """Close a session whose stop is lost for good, at the last register told; it waits for a decision then."""
    return _decide(session, {"person": person, "text": text}, url, token_file, "close")


def _decide(session: str, body: dict[str, Any], url: str, token_file: TokenFile, what: str = "rulings") -> int:
    async def send() -> dict[str, Any]:
        async with connected(url, token_file) as api:
            told: dict[str, Any] = await api.json("POST", f"/transactions/{session}/{what}", body=body)
            return told

    print(_line(asyncio.run(send())))
    return 0


def _line(row: dict[str, Any]) -> str:
    energy = "? Wh" if row["energy_wh"] is None else f"{row['energy_wh']} Wh"
    standing = row["billing"] if row["billing_reason"] is None else f"{row['billing']} ({row['billing_reason']})"
    return f"{row['id']}  {row['station_id']} EVSE {row['evse_id']}  {energy}  {standing}  {', '.join(row['reasons'])}"
