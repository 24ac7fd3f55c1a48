"""T72: an operator edits records, bills and postings in its own database, past every trigger that would refuse it."""

import time
from pathlib import Path

from wattseal.app import fsck
from wattseal.app.settings_money import Billing
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.crew import LabError
from wattseal.lab.grounds.clockwork import clockwork
from wattseal.lab.lab import Lab
from wattseal.lab.means.signing_site import signing_site
from wattseal.lab.month.plan import CLASSES
from wattseal.lab.month.tamper import tamper
from wattseal.lab.null import swapped

ENERGY_WH = (2_000, 30_000)
FAULTS = tuple(CLASSES["tampering"])
EACH = 2


async def _perform(lab: Lab) -> Found:
    return await _edit(lab)


async def _control(lab: Lab) -> Found:
    """Re-prove records and log alone: what the database says beside them is believed."""

    async def nothing(*_: object) -> list[object]:
        return []

    with (
        swapped(fsck, "compare_projections", nothing),
        swapped(fsck, "compare_ledger", nothing),
        swapped(fsck, "compare_accounts", nothing),
        swapped(fsck, "check_tables", lambda *_: []),
    ):
        return await _edit(lab)


async def _edit(lab: Lab) -> Found:
    folder = lab.fresh("cpo")
    sessions = await _charged(lab, folder)
    before = await fsck.run_fsck(folder, trust_file=None)
    if before.findings:
        raise LabError(f"an honest directory has findings: {before.findings[0]}", subject=str(folder))
    wanted = {session: FAULTS[number % len(FAULTS)] for number, session in enumerate(sessions)}
    touched = tamper(folder / "journal.sqlite3", wanted, lab.dice)
    began = time.monotonic()
    found = await fsck.run_fsck(folder, trust_file=None)
    seconds = round(time.monotonic() - began, 3)
    text = " ".join(f"{f.code} {f.field} {f.detail}" for f in found.findings)
    unnamed = [wanted[session] for session, what in touched.items() if what and not _named(text, session, what)]
    edits = sum(map(bool, touched.values()))
    if not edits:
        raise LabError("there was nothing to edit", subject=str(folder))
    if unnamed:
        kinds = ", ".join(dict.fromkeys(fault.value for fault in unnamed))
        return Found(Outcome.MISSED, f"{len(unnamed)} of {edits} edits are named by nothing: {kinds}")
    codes = ", ".join(dict.fromkeys(f.code for f in found.findings))
    figures = (Figure("edits", edits, "edits"), Figure("records re-proved", found.records, "records"))
    return Found(Outcome.DETECTED, f"each of {edits} edits is named: {codes}", seconds, 1, figures=figures)


def _named(text: str, session: str, touched: str) -> bool:
    return session in text or touched in text


async def _charged(lab: Lab, folder: Path) -> list[str]:
    """Play billed sessions into a directory and leave it stopped."""
    sessions = []
    async with clockwork(folder, {"billing": Billing(wait_s=0)}) as cpo:
        site = await signing_site(cpo, "ST1")
        for _ in range(EACH * len(FAULTS)):
            told = await site.charge(lab.dice.number(*ENERGY_WH))
            if told.bill is None:
                raise LabError(f"an honest session is not billed: {told.codes}", subject=told.transaction.id)
            sessions.append(told.transaction.id)
    return sessions


ATTACK = Attack(
    line="T72",
    title="records, bills and postings are edited in the database afterwards",
    steps=(
        f"have {EACH * len(FAULTS)} sessions charged, billed and posted, and stop the operator's system",
        "edit one thing of each in the SQLite file: a record, a bill's total, a posting changed, removed or invented",
        "take the triggers away before and put them back after, so that nothing but the edits tells",
        "have the directory re-proved by `wattseal fsck`",
    ),
    defence="everything beside the records is recomputed from them, and they are signed, chained and logged",
    without="what stands beside the records is not compared with them",
    residual="with its own keys an operator can sign all of it again: then the log is not what witnesses saw (T59)",
    expected=Outcome.DETECTED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
