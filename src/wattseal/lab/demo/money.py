"""Acts (g) to (i): what follows in money. A driver's invoice that proves itself, a session nobody bills, a dispute."""

import base64
import json
from pathlib import Path
from typing import Any

from wattseal.app.system import SystemClock
from wattseal.lab.crew import LabError, output
from wattseal.lab.demo.story import Story
from wattseal.lab.world import TOKEN_TYPE

ACCOUNT_EUR = "100.00"
"""What the driver has paid beforehand."""


async def bill_the_driver(story: Story) -> None:
    """Play (g): a driver of the operator's own charges twice, and gets an invoice each line of which verifies."""
    story.say("(g) A driver of the operator's own, paid beforehand: billed by the meter's signature.")
    account, token = await _open_account(story)
    sessions = [await _charge(story, token) for _ in range(2)]
    bills = [await _billed(story, session) for session in sessions]
    for bill in bills:
        proven = f"{bill['grade']} ({bill['source']})"
        story.say(f"    {bill['energy_wh']} Wh, {bill['total_incl_vat']} {bill['currency']}, billed at {proven}")
        story.told.expect(held=proven == "G3 (meter)", what=f"(g) billed at G3 (meter), not {proven}")
    invoice = await _invoice(story, account)
    code, printed = await output(["invoice", "check", invoice, "--trust", story.world.scene.trust, "--json"])
    report = json.loads(printed)
    verdicts = [line["verdict"] for line in report["lines"]]
    story.say(
        f"    {invoice}: {report['verdict']}, {len(verdicts)} lines, every one proven by the bundle attached to it"
    )
    story.told.expect(held=code == 0 and verdicts == ["VALID", "VALID"], what=f"(g) every line is VALID ({printed})")
    held = await _held(story, account)
    story.told.expect(held=held == "0.00", what=f"(g) nothing stays held on the account, not {held}")
    kept = {"account": account, "file": str(invoice), "verdict": report["verdict"], "sessions": sessions}
    story.told.money["invoice"] = kept


async def leave_unbilled(story: Story) -> None:
    """Play (h): the session whose reading was altered on the way waits for a person, and nobody is billed for it."""
    story.say("(h) What was tampered with on the way is billed to nobody.")
    station = story.world.scene.stations.signing

    async def look() -> Any:
        found = await story.world.cpo("GET", "/api/v1/quarantine")
        return [row for row in found if row["station_id"] == station] or None

    waiting = await story.world.wait(look, "nothing waits in quarantine")
    session = waiting[0]
    billed = await story.world.bill(session["id"])
    story.told.expect(held=billed is None, what="(h) a quarantined session is not billed")
    story.say(f"    session {session['id'][:8]} at {station}: {', '.join(session['reasons'])}; it waits for a person")
    story.told.money["quarantined"] = {"session": session["id"], "reasons": session["reasons"], "billed": False}


async def settle_a_dispute(story: Story) -> None:
    """Play (i): the driver disputes one of his charges, a person decides for him, and the bill is taken back."""
    story.say("(i) The driver disputes a charge with its bundle; a person decides.")
    session = story.told.money["invoice"]["sessions"][1]
    bundle = base64.b64encode(await story.world.cpo_bundle(session)).decode()
    body = {"bundle": bundle, "reason": "parking_not_mine", "text": "the bay was blocked after the charge"}
    dispute = await story.world.cpo("POST", "/api/v1/disputes", body)
    shown = await story.world.cpo("GET", f"/api/v1/disputes/{dispute['id']}")
    same = shown["differences"] == [] and shown["theirs"]["verdict"] == "VALID"
    story.told.expect(held=same, what=f"(i) both sides show the same VALID evidence ({shown['differences']})")
    decision = {"verdict": "upheld", "person": "the operator's clerk", "text": "goodwill"}
    decided = await story.world.cpo("POST", f"/api/v1/disputes/{dispute['id']}/decision", decision)
    credit = decided["decision"]["credit_cdr"]
    bill = await story.world.bill(session)
    upheld = bill is not None and bill["state"] == "reversed" and bill["credit_cdr"] == credit
    story.told.expect(held=upheld, what=f"(i) the bill is taken back ({bill})")
    cdr = await story.world.cpo("GET", f"/api/v1/cdrs/{credit}")
    story.told.expect(held=cdr["credit"] is True, what=f"(i) there is a credit CDR ({cdr})")
    story.say(f"    upheld: credit CDR {credit[:8]}...-C over {cdr['total_cost']['incl_vat']} {cdr['currency']}")
    note = await _invoice(story, story.told.money["invoice"]["account"])
    story.say(f"    the invoice stays as it is; the credit note to it: {note}")
    told = {"id": dispute["id"], "verdict": "upheld", "credit_cdr": credit, "credit_note": str(note)}
    story.told.money["dispute"] = told


async def _open_account(story: Story) -> tuple[str, str]:
    """Open a prepaid account with money on it, and a token that charges to it."""
    world, token = story.world, story.dice.word(14)
    payer = {"name": "Driver of the demo", "country": "DE"}
    made = await world.cpo("POST", "/api/v1/accounts", {"kind": "prepaid", "currency": "EUR", "payer": payer})
    paid = {"kind": "payment", "currency": "EUR", "amount": ACCOUNT_EUR, "account": f"customer/{made['id']}"}
    await world.cpo("POST", "/api/v1/ledger/postings", paid | {"reason": "paid at the counter", "reference": token})
    body = {"id_token": token, "type": TOKEN_TYPE, "status": "Accepted", "account": made["id"]}
    await world.cpo("POST", "/api/v1/tokens", body)
    return made["id"], token


async def _charge(story: Story, token: str) -> str:
    world, station = story.world, story.world.scene.stations.signing
    known = await world.transactions(station)
    energy_wh = story.dice.number(4_000, 20_000)
    await world.charge(station, "2.0.1", world.ocpp_url, id_token=token, energy_wh=energy_wh)
    return str((await world.newest(station, known))["id"])


async def _billed(story: Story, session: str) -> dict[str, Any]:
    bill: dict[str, Any] = await story.world.wait(lambda: story.world.bill(session), f"session {session} is not billed")
    return bill


async def _held(story: Story, account: str) -> str:
    found = await story.world.cpo("GET", f"/api/v1/accounts/{account}")
    return str(found["held"])


async def _invoice(story: Story, account: str) -> Path:
    """Issue what is due on the driver's account, an invoice or a credit note, and fetch its PDF."""
    world = story.world
    remote = ["--url", world.cpo_url, "--token-file", str(world.scene.home("cpo") / "admin-token")]
    until = SystemClock().now().isoformat()
    code, printed = await output(["invoice", "issue", "--account", account, "--until", until, "--json", *remote])
    if code:
        raise LabError(f"no invoice was issued: {printed}", subject=str(world.scene.root / "logs"))
    number = json.loads(printed)["invoices"][0]["number"]
    file = world.scene.root / f"{number}.pdf"
    code, printed = await output(["invoice", "get", number, "--out", str(file), *remote])
    if code:
        raise LabError(f"the invoice was not fetched: {printed}", subject=number)
    return file
