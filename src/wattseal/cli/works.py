"""`wattseal works`: announced works at a running CSMS, which silence what they explain."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote

from cyclopts import App, Parameter

from wattseal.cli.output import JsonOutput, json_line
from wattseal.cli.remote import TokenFile, Url, connected
from wattseal.model.works import Cause

app = App(name="works", help="Announce works at stations, end or withdraw them, list them.")
PATH = "/maintenance-windows"
Station = Annotated[tuple[str, ...], Parameter(name="--station", help="A station; may be given several times.")]
Note = Annotated[str, Parameter(help="Why; it stands in the signed record, so name nobody.")]
Begin = Annotated[str, Parameter(name="--from", help="When they begin, such as 2027-01-15T08:00:00Z.")]
End = Annotated[str, Parameter(name="--to", help="When they end, at most 90 days later.")]


@app.command
def announce(
    *,
    begin: Begin,
    until: End,
    url: Url,
    token_file: TokenFile,
    station: Station = (),
    site: Annotated[str | None, Parameter(help="All stations of a site.")] = None,
    everywhere: Annotated[bool, Parameter(negative="", help="All stations there are.")] = False,
    cause: Cause = Cause.MAINTENANCE,
    note: Note = "",
    json: JsonOutput = False,
) -> None:
    """Announce works at stations, at a site or everywhere; give one of the three."""
    body: dict[str, Any] = {"from": begin, "to": until, "cause": cause.value, "note": note}
    body |= {name: value for name, value in (("station_ids", station), ("site", site)) if value}
    body |= {"everywhere": True} if everywhere else {}
    _print([asyncio.run(_ask(url, token_file, "POST", PATH, body))], json=json)


@app.command(name="list")
def list_(*, url: Url, token_file: TokenFile, json: JsonOutput = False) -> None:
    """List the works that count, in the order of their begin."""

    async def fetch() -> list[dict[str, Any]]:
        async with connected(url, token_file) as api:
            return [row async for row in api.rows(PATH)]

    _print(asyncio.run(fetch()), json=json)


@app.command
def end(works: str, /, *, url: Url, token_file: TokenFile, json: JsonOutput = False) -> None:
    """End works early that are under way: until now they count."""
    _print([asyncio.run(_ask(url, token_file, "POST", f"{PATH}/{quote(works, safe='')}/end"))], json=json)


@app.command
def withdraw(works: str, /, *, url: Url, token_file: TokenFile) -> None:
    """Withdraw works, as if never announced; that they were, and who withdrew them, stays on record."""
    asyncio.run(_ask(url, token_file, "DELETE", f"{PATH}/{quote(works, safe='')}"))


async def _ask(url: str, token_file: TokenFile, method: str, path: str, body: Any = None) -> Any:
    async with connected(url, token_file) as api:
        return await api.json(method, path, body=body)


def _print(rows: list[dict[str, Any]], *, json: bool) -> None:
    for row in rows:
        if json:
            print(json_line(row))
            continue
        where = ", ".join(row["station_ids"]) or (f"site {row['site']}" if row["site"] else "everywhere")
        ended = f", ended by {row['ended_by']}" if row["ended_by"] else ""
        times = f"{_time(row['from_ms'])} to {_time(row['to_ms'])}"
        print(f"{row['id']}  {times}  {row['cause']}  {where}  by {row['announced_by']}{ended}  {row['note']}".rstrip())


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
