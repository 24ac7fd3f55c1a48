"""T61: a station tells a card that a spreadsheet would work out as a formula."""

import csv
import io
from collections.abc import Iterator

from wattseal.base import spreadsheet
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.crew import LabError
from wattseal.lab.grounds.alone import Alone
from wattseal.lab.lab import Lab
from wattseal.lab.means.dialler import now_text
from wattseal.lab.means.visitor import hired
from wattseal.lab.null import take_out

OLD, NEW = "ST16", "ST201"
FORMULAS = (
    "=cmd|'/C calc'!A0",
    "@SUM(1+1)*cmd|' /C'",
    "+1+cmd|'/C calc'!A0",
    "-2+3+cmd|' /C cal'",
    '=HYPERLINK("//e.vl")',
    "\t=1+1",
    "\uff1d1+1",
    '",=1+1,"',
)
BEGINS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "\uff1d", "\uff0b", "\uff0d", "\uff20")
EXPORTS = ("/sessions.csv", "/revenue.csv?from=2020-01-01&to=2035-01-01&step=year")
API_EXPORTS = (
    "/api/v1/ledger/journal.csv",
    "/api/v1/bills/table.csv",
    "/api/v1/revenue/table.csv?since=2026-01-01T00:00:00Z&until=2027-12-31T00:00:00Z&step=month",
)


async def _perform(lab: Lab) -> Found:
    return await _export(lab)


async def _control(lab: Lab) -> Found:
    return await _export(lab, "formula_in_export")


def undefend() -> None:
    """Write text into tables as it is."""
    take_out(spreadsheet, "_FORMULA", frozenset())


async def _export(lab: Lab, undefend: str | None = None) -> Found:
    async with lab.alone("[billing]\nwait_s = 0\n", undefend) as cpo:
        await cpo.enrol(OLD)
        await cpo.enrol(NEW)
        for number, formula in enumerate(FORMULAS):
            await _told(cpo, formula, number)
        tables = [(await (await hired(cpo)).get(path)).text for path in EXPORTS]
        for path in API_EXPORTS:
            async with cpo.asked("GET", path) as answer:
                if answer.status != 200:
                    raise LabError(f"{path} is not exported: {answer.status} {await answer.text()}", subject=path)
                tables.append(await answer.text())
    live = [cell for table in tables for cell in _formulas(table)]
    shown = sum(formula.strip('",\t') in table.replace('""', '"') for table in tables for formula in FORMULAS)
    if live:
        return Found(Outcome.MISSED, f"{len(live)} cells are formulas, the first: {live[0]}")
    if not shown:
        return Found(Outcome.MISSED, "none of the texts is in any export, so nothing was proven")
    text = f"{len(tables)} exports hold {shown} hostile texts, each behind an apostrophe: no cell begins as a formula"
    return Found(Outcome.PREVENTED, text, figures=(Figure("hostile cells defused", shown, "cells"),))


async def _told(cpo: Alone, formula: str, number: int) -> None:
    """Charge with a card of this name, in both versions."""
    async with cpo.station(OLD) as line:
        await line.boot()
        start = {"connectorId": 1, "idTag": formula[:20], "meterStart": 1000 * number, "timestamp": now_text()}
        begun = (await line.call("StartTransaction", start))["transactionId"]
        stop = {"transactionId": begun, "meterStop": 1000 * number + 500, "timestamp": now_text(1)}
        await line.call("StopTransaction", stop)
    async with cpo.station(NEW, "2.0.1") as line:
        await line.boot()
        event = {
            "eventType": "Started",
            "timestamp": now_text(),
            "triggerReason": "Authorized",
            "seqNo": 0,
            "transactionInfo": {"transactionId": formula},
            "idToken": {"idToken": formula, "type": "Central"},
            "evse": {"id": 1, "connectorId": 1},
        }
        await line.call("TransactionEvent", event)


def _formulas(table: str) -> Iterator[str]:
    """Return the cells that a spreadsheet would work out."""
    for row in csv.reader(io.StringIO(table, newline="")):
        for cell in row:
            if cell.lstrip(" \u00a0\u3000").startswith(BEGINS) and not _is_number(cell):
                yield cell


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


ATTACK = Attack(
    line="T61",
    title="the name of a card is a formula where sessions are opened as a table",
    steps=(
        f"charge with cards called {FORMULAS[0]} and {len(FORMULAS) - 1} others, in two versions of OCPP",
        "export sessions, revenue, bills and the ledger as CSV",
        "read the tables as a spreadsheet does and look for cells that begin as a formula",
    ),
    defence="text that begins as a formula is written behind an apostrophe",
    without="text is written as it is",
    residual="a program that drops the apostrophe, or reads the file by other rules, may still work a cell out",
    expected=Outcome.PREVENTED,
    ground=Ground.ALONE,
    perform=_perform,
    control=_control,
)
