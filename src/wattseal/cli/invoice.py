"""`wattseal invoice`: issue and fetch invoices at a running CSMS; check one offline, on any machine."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Table

from wattseal.base.errors import ConfigError, InputError
from wattseal.base.text import shown
from wattseal.bundle.report import Outcome
from wattseal.cli.output import JsonOutput, json_line, json_text
from wattseal.cli.remote import TokenFile, Url, connected
from wattseal.cli.verify import EXIT_CODES, load_trust
from wattseal.stores.files import write_durably
from wattseal.wire.einvoice.check import InvoiceReport, LineReport, check_invoice

app = App(name="invoice", help="Preview, issue, list and fetch invoices; check one offline.")
EXIT_LEFT = 1
MAX_PDF_BYTES = 512 * 1024 * 1024
_AMOUNTS = ("net", "vat", "charged", "payable")


class FileKind(StrEnum):
    """Which file of an invoice."""

    PDF = "pdf"
    XML = "xml"


@Parameter(name="*")
@dataclass(frozen=True)
class Period:
    """Whose sessions, and until when."""

    month: Annotated[str | None, Parameter(help="All until the end of this month, such as 2026-11.")] = None
    until: Annotated[str | None, Parameter(help="Or: all that ended before this time (RFC 3339).")] = None
    since: Annotated[str | None, Parameter(help="Nothing that ended before this time (RFC 3339).")] = None
    account: Annotated[str | None, Parameter(help="One account; all by default.")] = None
    currency: str | None = None
    entity: Annotated[str | None, Parameter(help="One legal entity; all by default.")] = None

    def body(self) -> dict[str, Any]:
        """Return it for the API."""
        return {name: value for name, value in vars(self).items() if value is not None}


ALL = Period()


@app.command
def preview(*, url: Url, token_file: TokenFile, period: Period = ALL, json: JsonOutput = False) -> int:
    """Show what would be issued; nothing has a number. Exit code 1 where something could not be issued."""
    found, left = asyncio.run(_all(url, token_file, "/invoices/preview", "invoices", period.body()))
    return _report(found, left, json=json)


@app.command
def issue(*, url: Url, token_file: TokenFile, period: Period = ALL, json: JsonOutput = False) -> int:
    """Issue invoices and credit notes for all that is due; exit code 1 where something could not be issued.

    May be run again at any time: what was issued is not issued twice.
    """
    found, left = asyncio.run(_all(url, token_file, "/invoices", "issued", period.body()))
    return _report(found, left, json=json)


@app.command(name="list")
def list_invoices(*, url: Url, token_file: TokenFile, account: str | None = None, json: JsonOutput = False) -> int:
    """List what was issued, by number or, of one account, by time."""
    found = asyncio.run(_rows(url, token_file, {} if account is None else {"account": account}))
    return _report(found, [], json=json)


@app.command
def get(
    number: str,
    /,
    *,
    url: Url,
    token_file: TokenFile,
    out: Annotated[Path | None, Parameter(help="Where to; NUMBER.pdf or NUMBER.xml by default.")] = None,
    kind: FileKind = FileKind.PDF,
) -> None:
    """Fetch an invoice as it was issued: the PDF with all its evidence, or the e-invoice alone."""
    data = asyncio.run(_bytes(url, token_file, f"/invoices/{number}/{kind.value}"))
    path = out or Path(f"{number}.{kind.value}")
    write_durably(path, data)
    print(path)


@app.command
def check(
    file: Path,
    /,
    *,
    trust: Annotated[
        Path | None, Parameter(help="trust file; default: trust.json in your configuration folder")
    ] = None,
    json: JsonOutput = False,
) -> int:
    """Check an invoice's PDF offline: every line by the bundle attached to it, the sums, and what is printed.

    Exit code: 1 if anything is invalid, else 3 if the file is no invoice that can be read, else 2 if anything is
    incomplete, else 0. No network, no database.

    Parameters
    ----------
    file
        The PDF.
    """
    try:
        report = check_invoice(_read(file), load_trust(trust))
    except InputError as error:
        if error.code not in {"bad_pdf", "no_einvoice", "bad_einvoice"}:
            raise
        print(
            json_line({"path": str(file), "verdict": "UNREADABLE", "code": error.code}) if json else f"{file}: {error}"
        )
        return EXIT_CODES[Outcome.UNREADABLE]
    print(json_text({"path": str(file)} | report.to_json()) if json else "\n".join(describe(str(file), report)))
    return EXIT_CODES[report.verdict]


def describe(path: str, report: InvoiceReport) -> Sequence[str]:
    """Return the lines people read."""
    told = report.shown
    head = f"{path}: {report.verdict.value}, {shown(told.number)} of {shown(told.seller)}, "
    lines = [head + f"{told.payable:f} {shown(told.currency)} to be paid"]
    lines += [f"  the invoice as a whole: {fault}" for fault in report.faults]
    lines += [_line(line, told.currency) for line in report.lines]
    if any(line.reason == "trust" for line in report.lines):
        lines.append("  next: get the trust file from a party you trust and pass it with --trust FILE")
    return lines


def _line(line: LineReport, currency: str) -> str:
    told, report = line.shown, line.report
    why = f" {line.reason}" if line.reason else ""
    what = "" if told is None else f", {told.energy_wh.normalize():f} Wh, {told.charged:f} {shown(currency)}"
    proven = report is not None and report.grade is not None and report.source is not None
    grade = f" {report.grade.name} ({report.source.value})" if proven else ""  # type: ignore[union-attr] # as just asked
    return f"  line {line.number}: {line.verdict.value}{why}{grade}{what}"


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_PDF_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}", subject=str(file)) from error
    if len(data) > MAX_PDF_BYTES:
        raise InputError(f"{file} has more than {MAX_PDF_BYTES} bytes", code="too_large", subject=str(file))
    return data


async def _all(
    url: str, token_file: Path, path: str, name: str, body: dict[str, Any]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    found: list[dict[str, Any]] = []
    left: list[dict[str, Any]] = []
    after: str | None = ""
    async with connected(url, token_file) as client:
        while after is not None:
            told = await client.json("POST", path, body=body | {"after": after, "limit": 20})
            found += told[name]
            left += told["left"]
            after = told["next"]
    return found, left


async def _rows(url: str, token_file: Path, query: dict[str, str]) -> list[dict[str, Any]]:
    async with connected(url, token_file) as client:
        return [row async for row in client.rows("/invoices", query=query)]


async def _bytes(url: str, token_file: Path, path: str) -> bytes:
    async with connected(url, token_file) as client:
        return await client.bytes(path)


def _report(found: list[dict[str, Any]], left: list[dict[str, Any]], *, json: bool) -> int:
    if json:
        print(json_line({"invoices": found, "left": left}))
        return EXIT_LEFT if left else 0
    table = Table(box=None, pad_edge=False)
    for heading in ("number", "date", "account", "currency", *_AMOUNTS, "credits"):
        table.add_column(heading, justify="right" if heading in _AMOUNTS else "left")
    for one in found:
        cells = (one.get("number", "-"), one["date"], one["account"], one["currency"], *(one[a] for a in _AMOUNTS))
        table.add_row(*(shown(str(cell)) for cell in (*cells, one["credits"] or "")))
    if found:
        Console(width=200).print(table)
    for one in left:
        print(f"not issued: account {shown(one['account'])}, {one['sessions']} sessions: {shown(one['title'])}")
    print(f"{len(found)} documents, {len(left)} left")
    return EXIT_LEFT if left else 0
