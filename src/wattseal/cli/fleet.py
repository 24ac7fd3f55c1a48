"""`wattseal station --count N`: a whole fleet, to try a CSMS with."""

import asyncio
import resource
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated

import uvloop
from cyclopts import Parameter
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from wattseal.app.fleet import Fleet, FleetReport, FleetSettings, Scenario, parse_mix
from wattseal.app.station_plan import Settings
from wattseal.base.errors import InputError
from wattseal.cli.output import json_line

FILES_BESIDE = 64
"""Open files of the process that are no connections."""


@Parameter(name="*")
@dataclass(frozen=True)
class FleetOptions:
    """How a fleet behaves."""

    count: Annotated[int | None, Parameter(help="Simulate so many stations; their ids are --id and a number.")] = None
    mix: Annotated[str, Parameter(help="Shares of the versions in a fleet.")] = "1.6=50,2.0.1=40,2.1=10"
    rate: Annotated[float, Parameter(help="Drivers an hour who come to each station of a fleet.")] = 60.0
    duration: Annotated[float, Parameter(help="Seconds after which no more drivers come.")] = 60.0
    connect_rate: Annotated[float, Parameter(help="Stations that dial each second at the beginning.")] = 200.0
    scenario: Annotated[
        Scenario, Parameter(help="day: all is well; offline: half-way a share loses its network; herd: all reconnect.")
    ] = Scenario.DAY
    outage: Annotated[float, Parameter(help="Seconds without a network in the scenario offline.")] = 10.0
    share: Annotated[float, Parameter(help="Share of the fleet that loses it, from 0 to 1.")] = 0.5


def run_fleet(member: Settings, options: FleetOptions, count: int, *, json: bool) -> bool:
    """Run a fleet, say how it went, return whether all went well."""
    if min(options.rate, options.duration, options.connect_rate) <= 0 or options.outage < 0:
        raise InputError("rates and durations are above 0", subject="fleet")
    if not 0 <= options.share <= 1:
        raise InputError("a share is from 0 to 1", subject="share")
    fleet = Fleet(
        FleetSettings(
            member,
            count,
            parse_mix(options.mix),
            options.duration,
            options.connect_rate,
            options.scenario,
            options.outage,
            options.share,
        )
    )
    _allow_files(count + FILES_BESIDE)
    report = uvloop.run(_watched(fleet, shown=not json))
    if json:
        print(json_line(report), flush=True)
    else:
        _print(report)
    return report.ok


def _allow_files(wanted: int) -> None:
    """Let the process open a socket a station; an `InputError` says what to do where it may not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= wanted:
        return
    if hard != resource.RLIM_INFINITY and hard < wanted:
        text = f"this process may open {hard} files and needs {wanted}; raise the limit (ulimit -n) or lower --count"
        raise InputError(text, code="too_few_files", subject="count")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _watched(fleet: Fleet, *, shown: bool) -> FleetReport:
    running = asyncio.create_task(fleet.run())
    console = Console(stderr=True)
    words = "{task.description}"
    with Progress(SpinnerColumn(), TextColumn(words), TimeElapsedColumn(), console=console, disable=not shown) as bar:
        task = bar.add_task("connecting", total=None)
        while not running.done():
            now = fleet.progress
            text = f"{now.connected} connected, {now.started} sessions begun, {now.ended} ended, {now.messages} answers"
            bar.update(task, description=text)
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(running), 0.5)
    return await running


def _print(report: FleetReport) -> None:
    table = Table("action", "answered", "refused", "unanswered", "p50 ms", "p99 ms")
    for action, timing in report.actions.items():
        counts = (timing.answered, timing.refused, timing.unanswered, timing.p50_ms, timing.p99_ms)
        table.add_row(action, *map(str, counts))
    console = Console()
    console.print(table)
    versions = ", ".join(f"{count} x {name}" for name, count in sorted(report.versions.items()))
    sessions = ", ".join(f"{count} {word}" for word, count in report.sessions.items())
    console.print(f"{report.stations} stations ({versions}), {report.connected_peak} connected at once")
    console.print(f"sessions: {sessions}; {report.waiting} messages waiting, {report.refused_tokens} tokens refused")
    if report.refused_tokens and not report.sessions["started"]:
        console.print("nobody charged: enrol the token at the CSMS, or name another with --id-token")
    if report.back_after_s is not None:
        console.print(f"all were back after {report.back_after_s} s")
