"""`wattseal enrol`: stations and tokens from CSV files, into a running CSMS."""

import asyncio
import base64
import csv
import io
from dataclasses import asdict, replace
from pathlib import Path

from cyclopts import App
from rich.console import Console
from rich.progress import Progress

from wattseal.app.enrol_client import Enrolled, enrol
from wattseal.app.enrol_csv import BadRow, Row, read_stations, read_tokens
from wattseal.app.system import SystemRandom
from wattseal.base.errors import ConfigError
from wattseal.cli.output import JsonOutput, json_line
from wattseal.cli.remote import TokenFile, Url, connected
from wattseal.stores.files import write_durably

app = App(name="enrol", help="Enrol stations and tokens from CSV files at a running CSMS.")
EXIT_REFUSED = 1


@app.command
def stations(
    file: Path, /, *, url: Url, token_file: TokenFile, passwords_out: Path | None = None, json: JsonOutput = False
) -> int:
    """Enrol the stations of a CSV file; exit code 1 when a line was refused, the others are enrolled.

    Columns: id, password or password_hex, evses (how many), security_profile; the names that SteVe and CitrineOS give
    them are known. See docs/how-to/migrate-csms.md.

    Parameters
    ----------
    file
        The file; its first line names the columns.
    passwords_out
        New CSV file, id and password, for new stations that the file has no password for: they are given one. Stations
        that are enrolled already keep theirs.
    """
    rows, bad = read_stations(_bytes(file))
    without = [row for row in rows if not {"password", "password_hex"} & row.body.keys()]
    if without:
        known = asyncio.run(_enrolled(url, token_file))
        without = [row for row in without if row.body["id"].casefold() not in known]
    if without and passwords_out is None:
        text = f"{len(without)} stations have no password; name a file for new ones with --passwords-out"
        raise ConfigError(text, code="no_passwords", subject=str(file))
    made = {row.line: base64.b32encode(SystemRandom().bytes(20)).decode().lower() for row in without}
    if made and passwords_out is not None:
        _write_passwords(passwords_out, {row.body["id"]: made[row.line] for row in without})
    rows = [replace(row, body=row.body | {"password": made[row.line]}) if row.line in made else row for row in rows]
    return _send(url, token_file, "stations", rows, bad, json=json)


@app.command
def tokens(file: Path, /, *, url: Url, token_file: TokenFile, json: JsonOutput = False) -> int:
    """Enrol the tokens of a CSV file; exit code 1 when a line was refused, the others are enrolled.

    Columns: id_token, type, status, expires_at, group, party, account; the names that SteVe and CitrineOS give them are
    known. See docs/how-to/migrate-csms.md.

    Parameters
    ----------
    file
        The file; its first line names the columns.
    """
    rows, bad = read_tokens(_bytes(file))
    return _send(url, token_file, "tokens", rows, bad, json=json)


async def _enrolled(url: str, token_file: Path) -> set[str]:
    """Return the stations that have a password already; another one would lock them out."""
    async with connected(url, token_file) as api:
        return {str(row["id"]).casefold() async for row in api.rows("/stations", query={"limit": "1000"})}


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}", subject=str(file)) from error


def _write_passwords(file: Path, passwords: dict[str, str]) -> None:
    """Write the new passwords before anybody is enrolled with one; never over another file."""
    if file.exists():
        raise ConfigError(f"{file} exists; passwords are never overwritten", code="exists", subject=str(file))
    text = io.StringIO()
    csv.writer(text).writerows([("id", "password"), *passwords.items()])
    write_durably(file, text.getvalue().encode(), 0o600)


def _send(url: str, token_file: Path, what: str, rows: list[Row], bad: list[BadRow], *, json: bool) -> int:
    token = _bytes(token_file).decode().strip()
    with Progress(console=Console(stderr=True), disable=json) as progress:
        task = progress.add_task(what, total=len(rows))
        done = asyncio.run(enrol(url, token, what, rows, lambda: progress.advance(task)))
    refused = sorted((*bad, *done.refused), key=lambda row: row.line)
    _report(replace(done, refused=tuple(refused)), what, json=json)
    return EXIT_REFUSED if refused else 0


def _report(done: Enrolled, what: str, *, json: bool) -> None:
    if json:
        print(json_line(asdict(done)))
        return
    for row in done.refused:
        print(f"line {row.line}: {row.why}")
    print(f"{done.taken} {what} enrolled, {len(done.refused)} lines refused")
