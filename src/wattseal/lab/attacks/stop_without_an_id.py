"""T17: a stop with transaction id -1 or 0 is to end whatever charge is open, at a register of the sender's choice."""

from wattseal.flow.charges import charge
from wattseal.flow.live import Live
from wattseal.flow.turn import Turn
from wattseal.lab.attack import Attack, Found, Ground, Outcome
from wattseal.lab.lab import Lab
from wattseal.lab.means.kept_back import notes_of
from wattseal.lab.null import swapped
from wattseal.model.facts import TransactionEnded
from wattseal.model.transaction import Billing
from wattseal.model.verdict import Finding

CODES = ("unusable_transaction_id", "matched_by_evidence")
TRUE_WH, LOW_WH = 20_000, 300


async def _perform(lab: Lab) -> Found:
    return await _stop_any(lab)


async def _control(lab: Lab) -> Found:
    with swapped(charge, "unnamed_end", _the_newest):
        return await _stop_any(lab)


def _the_newest(turn: Turn, _fact: TransactionEnded) -> tuple[Live | None, list[Finding]]:
    """Take the stop for that of the newest open transaction, and say nothing of it."""
    return next(reversed(turn.memory.live.values()), None), []


async def _stop_any(lab: Lab) -> Found:
    evidence = []
    for number in (-1, 0):
        async with lab.clockwork() as cpo:
            station = await cpo.enrol("ST1")
            await cpo.token("CARD")
            true = await station.start16("CARD", 0, 0)
            await station.stop16(number, LOW_WH, 20)
            await station.stop16(true, TRUE_WH, 60)
            await cpo.settle()
            sessions = await cpo.transactions()
            for session in sessions:
                bill = await cpo.bill(session)
                if bill is not None and bill.energy_wh != TRUE_WH:
                    text = f"a stop of transaction {number} had {bill.energy_wh:f} Wh billed of {TRUE_WH}"
                    return Found(Outcome.MISSED, text)
            told = [note for session in sessions for note in notes_of(session, *CODES)]
            kept = [session for session in sessions if session.billing is Billing.QUARANTINED]
            if not kept or not told:
                return Found(Outcome.MISSED, f"nothing was noted of a stop of transaction {number}")
            conflict = [note for session in sessions for note in notes_of(session, "conflicting_end")]
        codes = ", ".join(dict.fromkeys(note.code for note in told))
        both = "".join(f"; {note.code} {note.detail}" for note in conflict)
        evidence.append(f"{number}: {codes}{both}")
    return Found(Outcome.DETECTED, f"{'; '.join(evidence)}; quarantined, no bill at {LOW_WH} Wh", records=1)


ATTACK = Attack(
    line="T17",
    title="a stop of transaction -1, or 0, ends the charge that is open",
    steps=(
        "a car charges; its station knows the transaction's id",
        f"tell a stop of transaction -1 at {LOW_WH} Wh, at another station of transaction 0",
        f"the station tells its own stop at {TRUE_WH} Wh; the sessions are billed",
    ),
    defence="a stop without an id is matched by its evidence, says so, and its session waits for a person",
    without="it is taken for the stop of the newest open transaction",
    residual="the charge that it was matched to has to be looked at by a person; both registers stand in its records",
    expected=Outcome.DETECTED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
