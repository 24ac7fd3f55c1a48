"""Billing gate: billed, quarantined with a reason code, free, or pending; nothing dropped, nothing silently billed.

A person may decide what is quarantined, in a ruling. It covers the reasons it was taken in knowledge of and no others:
what is found out later quarantines again. It raises no grade.
"""

from collections.abc import Iterator

from wattseal.model.ruling import RulingVerdict
from wattseal.model.token import TokenStatus
from wattseal.model.transaction import Billing, Transaction
from wattseal.model.verdict import EvidencePin, Finding, Grade
from wattseal.rules.notes import quarantine_reasons

Standing = tuple[Billing, str | None]
"""Where a transaction stands, and the reason as a code."""
WAIVED = "waived"
"""Reason of a transaction that a person decided to charge nothing for."""
NO_REGISTER = "no_register"
"""Reason no ruling overcomes: what was not measured cannot be billed."""
BELOW_PIN = "evidence_below_pin"
CLOCK_AHEAD, HELD_BACK = "clock_ahead", "held_back"
MISDATED = (CLOCK_AHEAD, HELD_BACK)
"""Notes on a session, and reasons against billing it where its tariff goes by the clock."""
AWAITING_CHECKPOINT = "awaiting_checkpoint"
AWAITING_SETTLEMENT = "awaiting_settlement"
NO_TARIFF = "no_tariff"
"""Reason of a free session: no price was agreed when it began, so none can be asked for."""
NOT_PRICED = "not_priced"
SETTLEMENT_DIFFERS = "settlement_differs"
BILLED_BEFORE = "billed_before"
AT_BILLING = frozenset({NOT_PRICED, SETTLEMENT_DIFFERS, BILLED_BEFORE})
"""Reasons that are found out when a session is to be billed; no ruling overcomes them, but it can be waived."""
GRACE_MS = 86_400_000
"""How long a session may wait for the cosignatures that its station's pin demands."""


def reasons(transaction: Transaction) -> tuple[str, ...]:
    """Return every code that keeps an ended transaction from being billed, a ruling on it or not.

    They are notes' codes and `not_authorised`, `disputed`, `no_register`.
    """
    notes = (n for n in (*transaction.alarms, *transaction.findings) if not _mended(transaction, n))
    return tuple(dict.fromkeys((*quarantine_reasons(notes), *_circumstances(transaction))))


def bill(transaction: Transaction) -> Standing:
    """Decide where a transaction stands by its records alone. A sealed one waits for its settlement."""
    if transaction.ended is None:
        return Billing.PENDING, None
    if transaction.ruled is RulingVerdict.WAIVE:
        return Billing.FREE, WAIVED
    reason = next((code for code in reasons(transaction) if not covered(transaction, code)), None)
    settled = transaction.settled
    if reason is None and transaction.sealed and settled is None:
        return Billing.PENDING, AWAITING_SETTLEMENT
    if reason is not None:
        return Billing.QUARANTINED, reason
    return (Billing.FREE, "no_energy") if _is_free(transaction) else (Billing.BILLED, None)


def covered(transaction: Transaction, code: str) -> bool:
    """Return whether a person has decided to bill the transaction in knowledge of this."""
    return transaction.ruled is RulingVerdict.BILL and code in transaction.ruled_on and code not in _NOT_RULED


def misdated(transaction: Transaction) -> tuple[str, ...]:
    """Return what says that the session's times are not to be relied on: one had not come yet, or was held back."""
    codes = {note.code for note in transaction.findings}
    return tuple(code for code in MISDATED if code in codes)


def _circumstances(transaction: Transaction) -> Iterator[str]:
    if transaction.authorization is not TokenStatus.ACCEPTED:
        yield "not_authorised"
    settled = transaction.settled
    if settled is not None and not settled.accepted:
        yield "disputed"
    if _is_free(transaction) is None and not (transaction.sealed and settled is None):
        yield NO_REGISTER


_NOT_RULED = frozenset({NO_REGISTER, "disputed"})
"""What no ruling of the CPO alone overcomes: nothing to bill, or an eMSP that does not pay what it cannot check."""


def _mended(transaction: Transaction, note: Finding) -> bool:
    """Return whether what a note missed has arrived since."""
    return note.code == "end_without_start" and transaction.started is not None and not transaction.ended_first


def _is_free(transaction: Transaction) -> bool | None:
    """Return whether there is nothing to pay for; None where that is not known."""
    if transaction.sealed and transaction.settled is not None:
        return transaction.settled.free
    energy_wh = transaction.energy_wh
    return None if energy_wh is None else energy_wh <= 0


def bill_now(transaction: Transaction, grade: Grade | None, pin: EvidencePin, now_ms: int) -> Standing:
    """Return where a transaction stands once the log is considered: what is below its pin is not billed.

    Evidence that can reach the pin waits for the witnesses (`awaiting_checkpoint`), for a day and no longer.
    """
    if transaction.billing is not Billing.BILLED or not _below(grade, pin) or covered(transaction, BELOW_PIN):
        return transaction.billing, transaction.reason
    if grade is not None and now_ms - transaction.recorded_ms <= GRACE_MS:
        return Billing.PENDING, AWAITING_CHECKPOINT
    return Billing.QUARANTINED, BELOW_PIN


def reasons_now(transaction: Transaction, grade: Grade | None, pin: EvidencePin) -> tuple[str, ...]:
    """Return every reason against billing, the log considered: what a ruling taken now is taken in knowledge of."""
    below = (BELOW_PIN,) if _below(grade, pin) else ()
    return tuple(dict.fromkeys((*reasons(transaction), *below)))


def _below(grade: Grade | None, pin: EvidencePin) -> bool:
    return grade is None or grade < pin.grade
