"""`wattseal audit`: a period's revenue worked out again from records, and compared with the ledger."""

import asyncio
import os
from datetime import date, datetime, time
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
from cyclopts import App, Parameter

from wattseal.app.audit import run_audit
from wattseal.app.config import load_settings
from wattseal.base.errors import InputError
from wattseal.base.text import shown
from wattseal.cli.output import JsonOutput, json_text
from wattseal.model.audit import Audited, Period
from wattseal.pricing.money import minor_unit_digits

app = App(name="audit", help="Work a period's revenue out again from records, and compare it with the ledger.")
EXIT_FAULTS = 1
MAX_SHOWN = 100


@app.default
def audit(
    *,
    data: Annotated[Path, Parameter(help="The directory of a stopped `wattseal serve`, or a copy of it.")],
    from_: Annotated[str, Parameter(name="--from", help="First day, such as 2026-03-01.")],
    to: Annotated[str, Parameter(help="The day after the last one.")],
    zone: Annotated[str, Parameter(help="The time zone whose days are meant, an IANA name.")] = "UTC",
    trust: Annotated[Path | None, Parameter(help="A trust file: whose registry and witnesses to believe.")] = None,
    config: Annotated[Path | None, Parameter(help="The configuration the CSMS runs with.")] = None,
    json_output: JsonOutput = False,
) -> int:
    """Re-prove every record, then hold each session of the period against what the ledger says it came to.

    Nothing is changed. Exit code: 0 when all of it agrees, 1 when there are faults; each names the session and where.
    """
    period = Period(_day(from_, zone, "from"), _day(to, zone, "to"))
    if period.from_ms >= period.to_ms:
        raise InputError("a period ends after it begins", code="bad_period", subject="to")
    settings = load_settings(config, os.environ)
    found = asyncio.run(run_audit(data, settings, period, trust_file=trust))
    print(json_text(_whole(found)) if json_output else _text(found))
    return EXIT_FAULTS if found.faults else 0


def _day(told: str, zone: str, name: str) -> int:
    try:
        return int(datetime.combine(date.fromisoformat(told), time(), ZoneInfo(zone)).timestamp() * 1000)
    except (ValueError, OSError, KeyError) as error:
        text = f"{told!r} in {zone!r}: write a day as 2026-03-01 and a zone as Europe/Berlin"
        raise InputError(text, code="bad_day", subject=name) from error


def _whole(found: Audited) -> dict[str, object]:
    return {
        "ok": not found.faults,
        "sessions": found.sessions,
        "standings": found.standings,
        "grades": found.grades,
        "energy_wh": format(found.energy_wh, "f"),
        "sums": {
            currency: {
                "sessions": total.sessions,
                "by_records": _amount(total.due, currency),
                "in_ledger": _amount(total.posted, currency),
                "difference": _amount(total.posted - total.due, currency),
            }
            for currency, total in sorted(found.sums.items())
        },
        "faults": msgspec.to_builtins(found.faults),
    }


def _amount(minor: int, currency: str) -> str:
    digits = minor_unit_digits(currency)
    sign, whole = "-" if minor < 0 else "", abs(minor)
    return f"{sign}{whole // 10**digits}" + (f".{whole % 10**digits:0{digits}d}" if digits else "")


def _text(found: Audited) -> str:
    lines = [
        f"{fault.code}: session {fault.session or '-'} {shown(fault.station_id)}: {shown(fault.where)} "
        f"{shown(fault.detail)}".rstrip()
        for fault in found.faults[:MAX_SHOWN]
    ]
    if len(found.faults) > MAX_SHOWN:
        lines.append(f"... and {len(found.faults) - MAX_SHOWN} more; --json has them all")
    lines.append(f"{found.sessions} sessions, {found.energy_wh / 1000:f} kWh billed")
    lines.extend(f"  {name}: {count}" for name, count in sorted(found.standings.items()))
    lines.extend(f"  billed at {name}: {count}" for name, count in sorted(found.grades.items()))
    for currency, total in sorted(found.sums.items()):
        due, posted = _amount(total.due, currency), _amount(total.posted, currency)
        difference = _amount(total.posted - total.due, currency)
        lines.append(f"{currency}: {due} by the records, {posted} in the ledger, difference {difference}")
    lines.append(f"{len(found.faults)} faults" if found.faults else "the ledger says what the records say")
    return "\n".join(lines)
