"""`wattseal watchdog`: watch a CPO's alarms from elsewhere, and say when they fall silent."""

import asyncio
from pathlib import Path

from cyclopts import App

from wattseal.app.watchdog import Watching, watch
from wattseal.cli.output import JsonOutput, json_line
from wattseal.log.alive import Alive
from wattseal.log.keys import VerifierKey

app = App(name="watchdog", help="Watch a CPO's alarms from elsewhere, and say when they fall silent.")
MUTED = 1


@app.default
def watchdog(
    *,
    url: str,
    vkey: str,
    late_s: float = 120.0,
    every_s: float = 15.0,
    once: bool = False,
    state: Path | None = None,
    webhook: str | None = None,
    json: JsonOutput = False,
) -> int:
    """Ask a CPO for its signed statement until that is late, unsigned, or its alarms become fewer without records.

    Run it on a machine that whoever runs the CPO's database does not administer. Exit codes: 0 all is well (with
    --once), 1 something is wrong: it says what.

    Parameters
    ----------
    url
        Where the CPO's HTTP port is reached.
    vkey
        The verifier key of its log, as `wattseal serve` prints it at the start.
    late_s
        How old a statement may be, and how long no answer may come.
    every_s
        How often to look.
    once
        Look once; with --state, what was seen last time is compared.
    state
        File to keep the last good statement in.
    webhook
        Address that is sent what is wrong, as JSON, before the command ends.
    json
        Print one JSON object a line.
    """
    watching = Watching(url, VerifierKey.parse(vkey), late_s, every_s, state, webhook)
    found = asyncio.run(watch(watching, lambda told: _seen(told, json=json), once=once))
    for each in found:
        if json:
            print(json_line({"code": each.code, "field": each.field, "detail": each.detail}))
        else:
            print(f"{each.code}: {each.field}: {each.detail}")
    return MUTED if found else 0


def _seen(told: Alive, *, json: bool) -> None:
    standing = {severity.value: count for severity, count in told.standing.items()}
    if json:
        print(json_line({"at_ms": told.at_ms, "standing": standing, "records": told.chain[0]}), flush=True)
    else:
        counts = ", ".join(f"{count} {severity}" for severity, count in standing.items())
        print(f"{told.origin}: {counts}; {told.chain[0]} records, {told.size} log entries", flush=True)
