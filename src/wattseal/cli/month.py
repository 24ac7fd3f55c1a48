"""`wattseal month`: a simulated month with faults in it, to try `wattseal audit` on."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.console import Console
from rich.progress import Progress

from wattseal.base.errors import ConfigError, InputError
from wattseal.cli.output import JsonOutput, json_line
from wattseal.lab.dice import Dice
from wattseal.lab.month.drive import play
from wattseal.lab.month.plan import SESSIONS_A_STATION, Month
from wattseal.lab.month.spoil import TAMPERED, injected_of
from wattseal.lab.month.tamper import tamper
from wattseal.lab.month.truth import compare, write_truth

app = App(name="month", help="Simulate a month of sessions with faults in it, to try `wattseal audit` on.")
EXIT_MISSED = 1


@app.command
def make(
    *,
    data: Path,
    truth: Path,
    seed: int,
    sessions: int = 1000,
    stations: int | None = None,
    faults_per_mille: int = 5,
    month: Annotated[str, Parameter(help="Which one, such as 2026-03; it must be over.")] = "2026-03",
    json: JsonOutput = False,
) -> int:
    """Play a month of sessions into a new CPO's directory and spoil some; which ones is written to another file.

    Stations speak OCPP 1.6, 2.0.1 and 2.1, some with a signing meter; everything passes the same code that serves real
    ones. The same seed makes the same month; no seed makes a key.

    Parameters
    ----------
    data
        The directory, which must not exist yet.
    truth
        The file with what was spoilt.
    """
    if data.exists() and any(data.iterdir()):
        raise ConfigError("this directory is not empty: name a new one", subject=str(data))
    wanted = _month(month, sessions, stations, seed, faults_per_mille)
    with Progress(console=Console(stderr=True), disable=json) as progress:
        task = progress.add_task("sessions", total=sessions)
        played = asyncio.run(play(data, wanted, lambda done: progress.update(task, completed=done)))
    injected = injected_of(wanted, played.ids)
    later = {one.session: one.fault for one in injected if one.fault in TAMPERED}
    touched = tamper(data / "journal.sqlite3", later, Dice(seed))
    kept = injected_of(wanted, played.ids, touched)
    write_truth(truth, seed, kept)
    told = {"sessions": played.sessions, "frames": played.frames, "faults": len(kept)}
    print(json_line(told) if json else f"{played.sessions} sessions in {played.frames} messages, {len(kept)} faults")
    return 0


@app.command(name="compare")
def compare_(*, audit: Path, truth: Path, json: JsonOutput = False) -> int:
    """Hold what `wattseal audit --json` has found against what was spoilt.

    Exit code 0 where every fault was reported and no clean session was flagged, else 1.

    Parameters
    ----------
    audit
        The audit's answer.
    truth
        The file with what was spoilt.
    """
    found = compare(audit, truth)
    if json:
        missed = [{"session": one.session, "fault": one.fault.value, "touched": one.touched} for one in found.missed]
        whole = {"ok": found.ok, "injected": found.injected, "reported": found.reported, "missed": missed}
        print(json_line(whole | {"false_alarms": list(found.false_alarms)}))
        return 0 if found.ok else EXIT_MISSED
    for one in found.missed:
        print(f"missed: {one.fault.value} of session {one.session} {one.touched}".rstrip())
    for fault in found.false_alarms:
        print(f"flagged without a fault: {fault['code']} session {fault['session'] or '-'} {fault['where']}")
    for name, count in sorted(found.injected.items()):
        print(f"{name}: {found.reported[name]} of {count} reported")
    print(f"{len(found.missed)} missed, {len(found.false_alarms)} clean ones flagged")
    return 0 if found.ok else EXIT_MISSED


def _month(told: str, sessions: int, stations: int | None, seed: int, faults_per_mille: int) -> Month:
    try:
        first = datetime.strptime(told, "%Y-%m").replace(tzinfo=UTC)
    except ValueError as error:
        raise InputError("write a month as 2026-03", code="bad_month", subject="month") from error
    then = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    count = stations or max(4, -(-sessions // SESSIONS_A_STATION))
    if sessions < count or not 0 <= faults_per_mille <= 500:
        text = "at least one session a station, and at most 500 faults in a thousand"
        raise InputError(text, code="bad_month", subject="sessions")
    return Month(sessions, count, _ms(first), _ms(then), seed, faults_per_mille)


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
