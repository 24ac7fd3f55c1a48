"""What came of a session that was told wrongly: kept back and named, or billed as if nothing were wrong."""

from wattseal.flow.charges.standing import case_of
from wattseal.lab.attack import Found, Outcome
from wattseal.lab.grounds.clockwork import Clockwork
from wattseal.model.transaction import Billing, Transaction
from wattseal.model.verdict import Finding
from wattseal.watch import DETECTORS, Watch


def without(*codes: str) -> Watch:
    """Return the watch with some detectors left out; one that is not there is an error, for it would prove nothing."""
    missing = set(codes) - {each.code for each in DETECTORS}
    if missing:
        raise KeyError(*missing)
    return Watch([each for each in DETECTORS if each.code not in codes])


def notes_of(session: Transaction, *codes: str) -> list[Finding]:
    """Return what was noted about a session, of these codes."""
    return [note for note in (*session.alarms, *session.findings) if note.code in codes]


async def kept_back(cpo: Clockwork, session: Transaction, *codes: str) -> Found:
    """Let the session be billed; DETECTED where it is kept back for one of the codes, MISSED where it went through."""
    await cpo.settle()
    session = await cpo.transaction(session.id)
    bill = await cpo.bill(session)
    if bill is not None:
        text = f"billed {bill.total.before_tax} {bill.currency} for {bill.energy_wh / 1000:f} kWh, nothing held it back"
        return Found(Outcome.MISSED, text)
    told = notes_of(session, *codes)
    billing, reason = (await case_of(cpo.world, cpo.parts.proofs, session)).standing
    if billing is Billing.QUARANTINED and reason in codes and told:
        note = told[0]
        text = f"{note.code} of session {session.id[:8]}: {note.field} {note.detail}".rstrip()
        return Found(Outcome.DETECTED, f"{text}; quarantined, no bill", records=1)
    return Found(Outcome.MISSED, f"the session is {billing.value} ({reason}) and {told or 'not noted'}")
