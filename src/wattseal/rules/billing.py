"""Billing gate: billed, quarantined with a reason code, free, or pending; nothing dropped, nothing silently billed."""

from wattseal.model.token import TokenStatus
from wattseal.model.transaction import Billing, Transaction
from wattseal.model.verdict import EvidencePin, Finding, Grade, Source
from wattseal.rules.notes import quarantine_reason


def bill(transaction: Transaction) -> tuple[Billing, str | None]:
    """Decide where an ended transaction stands; the reason is a note's code or one of the codes below.

    Codes: `not_authorised`, `no_register`, `disputed`. A sealed transaction waits for its settlement.
    """
    if transaction.ended is None:
        return Billing.PENDING, None
    reason = quarantine_reason(n for n in (*transaction.alarms, *transaction.findings) if not _mended(transaction, n))
    if reason is None and transaction.authorization is not TokenStatus.ACCEPTED:
        reason = "not_authorised"
    settled = transaction.settled
    if reason is None and settled is not None and not settled.accepted:
        reason = "disputed"
    if reason is not None:
        return Billing.QUARANTINED, reason
    if transaction.sealed and settled is None:
        return Billing.PENDING, "awaiting_settlement"
    free = settled.free if transaction.sealed and settled is not None else _is_free(transaction)
    if free is None:
        return Billing.QUARANTINED, "no_register"
    return (Billing.FREE, "no_energy") if free else (Billing.BILLED, None)


def _mended(transaction: Transaction, note: Finding) -> bool:
    """Return whether what a note missed has arrived since."""
    return note.code == "end_without_start" and transaction.started is not None and not transaction.ended_first


def _is_free(transaction: Transaction) -> bool | None:
    energy_wh = transaction.energy_wh
    return None if energy_wh is None else energy_wh <= 0


def attainable(source: Source, *, sealed: bool) -> Grade:
    """Return the best grade a session with this source can reach once logged and cosigned."""
    if source is Source.CSMS:
        return Grade.G1
    return Grade.G4 if sealed else Grade.G3


def meets_pin(source: Source, pin: EvidencePin, *, sealed: bool) -> bool:
    """Return whether a session's evidence can satisfy the station's pin.

    The source pinned must be the source seen, except that any source is at least as good as the CSMS's own word.
    """
    if attainable(source, sealed=sealed) < pin.grade:
        return False
    return pin.source is Source.CSMS or pin.source is source


AWAITING_CHECKPOINT = "awaiting_checkpoint"
GRACE_MS = 86_400_000
"""How long a session may wait for the cosignatures that its station's pin demands."""


def bill_now(
    transaction: Transaction, grade: Grade | None, pin: EvidencePin, now_ms: int
) -> tuple[Billing, str | None]:
    """Return where a transaction stands once the log is considered: what is below its pin is not billed.

    Evidence that can reach the pin waits for the witnesses (`awaiting_checkpoint`), for a day and no longer.
    """
    if transaction.billing is not Billing.BILLED or (grade is not None and grade >= pin.grade):
        return transaction.billing, transaction.reason
    if grade is not None and now_ms - transaction.recorded_ms <= GRACE_MS:
        return Billing.PENDING, AWAITING_CHECKPOINT
    return Billing.QUARANTINED, "evidence_below_pin"
