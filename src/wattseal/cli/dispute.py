"""`wattseal dispute`: sessions that somebody holds are not what they were billed as, at a running CSMS."""

import asyncio
import base64
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from wattseal.base.errors import ConfigError, InputError
from wattseal.cli.output import JsonOutput, json_line
from wattseal.cli.remote import TokenFile, Url, connected
from wattseal.model.dispute import DisputeVerdict

app = App(name="dispute", help="Open disputes with a bundle, see both sides' evidence, decide.")


@app.command(name="open")
def open_(
    bundle: Path,
    /,
    *,
    reason: str,
    url: Url,
    token_file: TokenFile,
    text: str = "",
    total: str | None = None,
    json: JsonOutput = False,
) -> int:
    """Open a dispute with the bundle of a session.

    Parameters
    ----------
    reason
        A code of your own, such as other_energy.
    total
        What would be right, with its currency: "5.40 EUR".
    """
    try:
        data = bundle.read_bytes()
    except OSError as error:
        raise ConfigError(f"{bundle} cannot be read: {error.strerror}", subject=str(bundle)) from error
    body = {"bundle": base64.b64encode(data).decode(), "reason": reason, "text": text, **_claimed(total)}
    return _say(_call(url, token_file, "POST", "/disputes", body), json=json)


@app.command(name="list")
def list_(*, url: Url, token_file: TokenFile, every: bool = False, json: JsonOutput = False) -> int:
    """List the disputes that are to be decided, or with --every all of them."""

    async def fetch() -> list[dict[str, Any]]:
        async with connected(url, token_file) as api:
            return [row async for row in api.rows("/disputes", query={} if every else {"is_open": "true"})]

    rows = asyncio.run(fetch())
    if json:
        print(json_line(rows))
        return 0
    for row in rows:
        print(_line(row))
    print(f"{len(rows)} disputes")
    return 0


@app.command
def show(dispute: str, /, *, url: Url, token_file: TokenFile, json: JsonOutput = False) -> int:
    """Show both sides' evidence step by step, and where they first differ."""
    found = _call(url, token_file, "GET", f"/disputes/{dispute}")
    if json:
        print(json_line(found))
        return 0
    print(_line(found))
    for side in ("theirs", "ours"):
        report = found[side]
        if report is None:
            print(f"{side}: no bundle ({found['no_bundle_of_ours']})")
            continue
        print(f"{side}: {report['verdict']} {report.get('grade') or ''}".rstrip())
        for step in report["steps"]:
            if step["result"] not in {"ok", "not_reached"}:
                where = " ".join(step[key] for key in ("reason", "field", "record") if key in step)
                print(f"  step {step['step']} {step['name']}: {step['result']} {where}")
    for difference in found["differences"]:
        print(
            f"  {difference['record']} {difference['field']}: {difference['theirs']} shown, {difference['ours']} here"
        )
    return 0


@app.command
def decide(
    dispute: str,
    verdict: DisputeVerdict,
    /,
    *,
    person: str,
    text: str,
    url: Url,
    token_file: TokenFile,
    amount: Annotated[list[str] | None, Parameter(negative=())] = None,
    json: JsonOutput = False,
) -> int:
    """Decide a dispute for good: rejected, upheld or partly.

    Parameters
    ----------
    person
        Who decides; it stands in the signed record.
    text
        Why.
    amount
        With partly, what is right instead, as PERCENT:NET:TAX such as 19:5.00:0.95; once for each tax rate of the bill.
    """
    body = {"verdict": verdict.value, "person": person, "text": text, "amounts": [_amount(a) for a in amount or ()]}
    return _say(_call(url, token_file, "POST", f"/disputes/{dispute}/decision", body), json=json)


def _claimed(total: str | None) -> dict[str, str]:
    if total is None:
        return {}
    amount, _, currency = total.partition(" ")
    if not currency:
        raise InputError('write the total with its currency: "5.40 EUR"', code="bad_total", subject="total")
    return {"currency": currency, "total_incl_vat": amount}


def _amount(told: str) -> dict[str, str | None]:
    parts = told.split(":")
    if len(parts) != 3:
        raise InputError(
            "write an amount as PERCENT:NET:TAX, such as 19:5.00:0.95", code="bad_amount", subject="amount"
        )
    percent, net, tax = parts
    return {"percent": percent or None, "net": net, "tax": tax}


def _call(url: str, token_file: Path, method: str, path: str, body: Any = None) -> dict[str, Any]:
    async def send() -> dict[str, Any]:
        async with connected(url, token_file) as api:
            told: dict[str, Any] = await api.json(method, path, body=body)
            return told

    return asyncio.run(send())


def _say(row: dict[str, Any], *, json: bool) -> int:
    print(json_line(row) if json else _line(row))
    return 0


def _line(row: dict[str, Any]) -> str:
    decision = row["decision"]
    state = "late" if row["late"] else "open"
    if decision is not None:
        state = decision["verdict"] + (f", credit CDR {decision['credit_cdr']}" if decision["credit_cdr"] else "")
    failing = row["failing"]
    shown = row["verdict"] if failing is None else f"{row['verdict']} at step {failing['step']} ({failing['reason']})"
    return f"{row['id']}  session {row['transaction']}  {row['reason']}  bundle {shown}  {state}"
