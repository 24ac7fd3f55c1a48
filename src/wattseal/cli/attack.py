"""`wattseal attack`: the threats of the threat model, played against this very product."""

import asyncio
import json
import shutil
import tempfile
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Table

from wattseal.app.system import SystemClock
from wattseal.base.errors import ConfigError, InputError
from wattseal.lab.campaign import Result, as_json, campaign
from wattseal.lab.catalogue import NOT_MET, catalogue, chosen
from wattseal.lab.compare.measure import Compared, compare
from wattseal.lab.report import after, write_report
from wattseal.lab.threats import THREATS

WIDTH = 150
"""Of the table where it goes to a file."""
app = App(name="attack", help="Play the attacks of the threat model against this product, each with its control.")


@app.default
def attack(
    *names: Annotated[str, Parameter(help="Attacks by name, or lines of the threat model such as T07.")],
    all_: Annotated[bool, Parameter(name="--all", negative="", help="Play all of them.")] = False,
    compare_: Annotated[
        bool, Parameter(name="--compare", negative="", help="Compare protections of the stop value; part of --all.")
    ] = False,
    list_: Annotated[bool, Parameter(name="--list", negative="", help="Name them and end.")] = False,
    json_file: Annotated[Path | None, Parameter(name="--json", help="Write the results to this file.")] = None,
    html: Annotated[Path | None, Parameter(help="Write the report to this file.")] = None,
    seed: Annotated[int, Parameter(help="What is chosen by chance follows from it.")] = 1,
    jobs: Annotated[int, Parameter(help="Worker processes.")] = 2,
    data: Annotated[
        Path | None, Parameter(help="Keep everything here; must be new. Nothing is kept by default.")
    ] = None,
) -> int:
    """Everything runs on this machine's loopback and ends by itself.

    Each attack is played twice: as it is, and with the defence switched off, where it must succeed. Exit code 0 when
    every expectation and every control held, else 1.
    """
    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = WIDTH
    if list_:
        _list(console)
        return 0
    if not (names or all_ or compare_):
        raise InputError("say which attacks, --all or --compare; --list names them", code="usage", subject="NAME")
    if data is not None and data.exists() and any(data.iterdir()):
        raise ConfigError("this directory is not empty: name a new one", subject=str(data))
    picked = chosen(() if all_ else names) if names or all_ else []
    root = data.resolve() if data is not None else Path(tempfile.mkdtemp(prefix="wattseal-attack-"))
    try:
        results = asyncio.run(campaign(picked, root, seed, max(1, jobs), lambda each: _tell(console, each)))
        compared = compare(root / "compare", seed) if all_ or compare_ else []
    finally:
        if data is None:
            shutil.rmtree(root, ignore_errors=True)
    told = as_json(results, compared)
    if json_file is not None:
        json_file.write_text(json.dumps(told, indent=2) + "\n")
    if html is not None:
        write_report(html, told, f"{SystemClock().now():%Y-%m-%d %H:%M} UTC")
    if results:
        _table(console, results, everything=all_)
    if compared:
        _comparison(console, compared)
    return 0 if told["ok"] else 1


def _list(console: Console) -> None:
    for name, attack_ in catalogue().items():
        console.print(f"{attack_.line}  {name:34} {attack_.title}", markup=False)
    for line, why in NOT_MET.items():
        console.print(f"{line}  {'(not met)':34} {THREATS[line].title}: {why}", markup=False)


def _tell(console: Console, result: Result) -> None:
    """Say at once what did not hold; what did is in the table."""
    if not result.as_expected:
        why = result.run.trouble or (result.run.found or {}).get("evidence")
        text = f"{result.name}: {result.run.outcome or 'broke'}, not {result.attack.expected}: {why}"
        console.print(text, markup=False)
    if not result.control_held:
        why = result.control.trouble or (result.control.found or {}).get("evidence")
        console.print(f"{result.name}: the control is {result.control.outcome or 'broken'}: {why}", markup=False)


def _table(console: Console, results: list[Result], *, everything: bool) -> None:
    table = Table(box=None, pad_edge=False)
    for column in ("line", "attack", "outcome", "after", "what names it", "control"):
        table.add_column(column, overflow="fold")
    family = None
    for each in results:
        if each.attack.threat.family is not family:
            family = each.attack.threat.family
            table.add_row(f"[bold]{family.value}[/bold]")
        found = each.run.found or {}
        told = after(found)
        outcome = (each.run.outcome or "broke") if each.as_expected else f"[red]{each.run.outcome or 'broke'}[/red]"
        control = "held" if each.control_held else "[red]failed[/red]"
        evidence = str(found.get("evidence") or each.run.trouble).replace("[", "\\[")
        table.add_row(each.attack.line, each.name, outcome, told, evidence, control)
    if everything:
        table.add_row("[bold]Not met today[/bold]")
        for line, why in NOT_MET.items():
            table.add_row(line, "", "not met", "", why, "")
    console.print(table)
    held = sum(each.ok for each in results)
    lines = len({each.attack.line for each in results})
    console.print(f"{held} of {len(results)} attacks on {lines} lines came to what they must, with their controls.")


def _comparison(console: Console, compared: list[Compared]) -> None:
    titles = ("he reads it", "his is believed", "losses unseen", "bytes", "CPU")
    table = Table("a man in the middle on the stop", *titles, box=None, pad_edge=False)
    for each in compared:
        shares = (f"{share:g} %" for share in (each.disclosed, each.distorted, each.dropped))
        table.add_row(each.name, *shares, str(each.wire_bytes), f"{each.cpu_ms:.2f} ms")
    console.print(table)
