"""`wattseal tariff`: tariffs at a running CSMS, and where they apply."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import msgspec
from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Table

from wattseal.app.api_client import ApiClient
from wattseal.base.errors import ConfigError, InputError
from wattseal.base.text import shown
from wattseal.cli.output import JsonOutput, json_line
from wattseal.cli.remote import TokenFile, Url, connected
from wattseal.model.tariff_place import Level
from wattseal.wire.ocpi.tariffs import OcpiVersion

app = App(name="tariff", help="Set tariffs, assign them, and see what a charge would cost.")
_TARIFF = "an OCPI tariff is a JSON object with an id; docs/how-to/tariffs.md shows one"


@Parameter(name="*")
@dataclass(frozen=True)
class Place:
    """Where a tariff applies: exactly one of these."""

    everywhere: Annotated[bool, Parameter(negative="", help="Wherever nothing more specific applies.")] = False
    site: Annotated[str | None, Parameter(help="At all stations of a site, by its id.")] = None
    station: Annotated[str | None, Parameter(help="At a station, by its id.")] = None
    group: Annotated[str | None, Parameter(help="For all tokens of a group, by its id.")] = None
    token: Annotated[str | None, Parameter(help="For one token.")] = None

    def level(self) -> tuple[Level, str]:
        """Return level and name; `ConfigError` where not exactly one is said."""
        names = {Level.SITE: self.site, Level.STATION: self.station, Level.GROUP: self.group, Level.TOKEN: self.token}
        said = [(level, name) for level, name in names.items() if name is not None]
        said += [(Level.CPO, "")] if self.everywhere else []
        if len(said) != 1:
            text = "say where: one of --everywhere, --site, --station, --group, --token"
            raise ConfigError(text, code="bad_place", subject="place")
        return said[0]


@app.command(name="set")
def set_(
    file: Path,
    /,
    *,
    url: Url,
    token_file: TokenFile,
    time_zone: Annotated[str | None, Parameter(help="Where its times and days are meant: Europe/Vienna.")] = None,
    idle_grace_s: Annotated[int, Parameter(help="So long may a car stand before that counts as parking.")] = 0,
    ocpi: OcpiVersion = OcpiVersion.V2_2_1,
    json: JsonOutput = False,
) -> None:
    """Sign the OCPI tariff in a file as the newest version of its id. A CPO's very first one applies everywhere.

    Parameters
    ----------
    file
        The tariff, as OCPI writes it.
    ocpi
        The version of OCPI it is written in.
    """
    raw = _bytes(file)
    query = {"idle_grace_s": str(idle_grace_s), "ocpi": ocpi.value}
    query |= {} if time_zone is None else {"time_zone": time_zone}
    path = f"/tariffs/{quote(_id_of(raw, file), safe='')}"
    told = _run(url, token_file, lambda api: api.send("PUT", path, raw, query=query))
    print(json_line(told) if json else f"tariff {shown(told['id'])} is record {told['record']}")


@app.command(name="list")
def list_(*, url: Url, token_file: TokenFile, json: JsonOutput = False) -> None:
    """List tariffs: the record in force, and to how many sites, stations, groups and tokens each is assigned."""
    rows = _run(url, token_file, _all)
    if json:
        print(json_line(rows))
        return
    table = Table("id", "in force", "everywhere", "sites", "stations", "groups", "tokens")
    for row in rows:
        counts = row["assigned"]
        now = row["in_force"][:16] if row["in_force"] else str(row["why_not"]).replace("_", " ")
        everywhere = "yes" if counts["cpo"] else ""
        table.add_row(
            shown(row["id"]), now, everywhere, *(str(counts[name]) for name in ("site", "station", "group", "token"))
        )
    Console().print(table)


@app.command
def assign(tariff: str, /, *, url: Url, token_file: TokenFile, place: Place | None = None) -> None:
    """Have a tariff apply somewhere, instead of the one that does; charges that have been decided on keep theirs."""
    level, name = (place or Place()).level()
    body = {"level": level.value, "name": name}
    path = f"/tariffs/{quote(tariff, safe='')}/assignments"
    told = _run(url, token_file, lambda api: api.json("PUT", path, body=body))
    print(f"assigned to {_place(level, name)} by record {told['record']}")


@app.command
def unassign(tariff: str, /, *, url: Url, token_file: TokenFile, place: Place | None = None) -> None:
    """Take a tariff away from where it applies, so that the next more general one does."""
    level, name = (place or Place()).level()
    path = f"/tariffs/{quote(tariff, safe='')}/assignments/{level.value}"
    _run(url, token_file, lambda api: api.json("DELETE", path, query={"name": name} if name else None))
    print(f"taken away from {_place(level, name)}")


@app.command
def remove(tariff: str, /, *, url: Url, token_file: TokenFile) -> None:
    """Take a tariff that is assigned to nothing off the list; its records stay, for the charges under it."""
    _run(url, token_file, lambda api: api.json("DELETE", f"/tariffs/{quote(tariff, safe='')}"))
    print("removed")


@app.command
def which(
    station: str,
    /,
    *,
    url: Url,
    token_file: TokenFile,
    token: Annotated[str | None, Parameter(help="For the driver who shows this token.")] = None,
    json: JsonOutput = False,
) -> int:
    """Say which tariff applies at a station now, and why; exit code 1 where none does."""
    query = None if token is None else {"id_token": token}
    path = f"/stations/{quote(station, safe='')}/tariff"
    told = _run(url, token_file, lambda api: api.json("GET", path, query=query))
    if json:
        print(json_line(told))
    elif told["tariff_id"] is None:
        print("no tariff applies; charges would have no price. Set one, or assign one with --everywhere")
    else:
        print(f"{shown(told['tariff_id'])}, by {told['level']}: {shown(told['text'] or 'no line of text says it')}")
    for passed in told["passed"] if not json else ():
        if passed["tariff_id"] is not None:
            print(f"passed over: {shown(passed['tariff_id'])} by {passed['level']}, {passed['why'].replace('_', ' ')}")
    return 0 if told["tariff_id"] is not None else 1


@app.command
def preview(
    tariff: str,
    /,
    *stretches: str,
    url: Url,
    token_file: TokenFile,
    at: Annotated[str, Parameter(help="When it begins, with its zone: 2027-01-15T18:00:00+01:00.")],
    reading_interval_s: Annotated[int, Parameter(help="How often its meter is read.")] = 60,
    json: JsonOutput = False,
) -> None:
    """Say what a charge would cost, and why: computed like a bill.

    Parameters
    ----------
    stretches
        MINUTES:KWH of each stretch of the charge, in order; 30:0 is a car that stands for half an hour.
    """
    body: dict[str, Any] = {"started_at": at, "stretches": [_stretch(text) for text in stretches]}
    body["reading_interval_s"] = reading_interval_s
    path = f"/tariffs/{quote(tariff, safe='')}/preview"
    told = _run(url, token_file, lambda api: api.json("POST", path, body=body))
    if json:
        print(json_line(told))
        return
    table = Table("from", "what", "quantity", "price", "before tax", "VAT", "with tax", "why")
    for line in told["trace"]:
        vat = "" if line["vat_percent"] is None else f"{line['vat_percent']} %"
        row = (line["local_start"][:16].replace("T", " "), line["dimension"], _quantity(line), line["unit_price"])
        table.add_row(*row, line["before_tax"], vat, line["after_tax"], line["why"].replace("_", " "))
    Console(width=120).print(table)
    print(f"total {told['total_excl_vat']} {told['currency']} before tax, {told['total_incl_vat']} with tax")


def _quantity(line: dict[str, Any]) -> str:
    units = {"ENERGY": " kWh", "FLAT": "", "SESSION": ""}
    return f"{line['quantity']}{units.get(line['dimension'], ' s')}"


def _stretch(text: str) -> dict[str, Any]:
    minutes, found, kwh = text.partition(":")
    if not (found and minutes.isascii() and minutes.isdigit()):
        raise ConfigError(f"{text} is no stretch; write MINUTES:KWH, like 90:30.5", code="bad_stretch", subject=text)
    return {"duration_s": int(minutes) * 60, "energy_kwh": kwh}


def _place(level: Level, name: str) -> str:
    return "everything" if level is Level.CPO else f"{level.value} {shown(name)}"


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}", subject=str(file)) from error


def _id_of(raw: bytes, file: Path) -> str:
    class Named(msgspec.Struct):
        id: str

    try:
        return msgspec.json.decode(raw, type=Named).id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(_TARIFF, code="bad_ocpi", subject=str(file)) from error


async def _all(api: ApiClient) -> list[dict[str, Any]]:
    return [row async for row in api.rows("/tariffs")]


def _run(url: str, token_file: Path, work: Callable[[ApiClient], Awaitable[Any]]) -> Any:
    async def go() -> Any:
        async with connected(url, token_file) as api:
            return await work(api)

    return asyncio.run(go())
