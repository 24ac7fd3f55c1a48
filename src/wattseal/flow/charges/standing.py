"""Where a transaction stands now: by its own records, its station's pin, and the grade it has reached."""

from dataclasses import dataclass, replace

from wattseal.flow.charges.bundling import Proofs
from wattseal.flow.charges.grading import grade_now
from wattseal.flow.documents import STATION, UNBILLED, Unbilled, read
from wattseal.flow.world import World
from wattseal.model.station import NO_PIN, Station
from wattseal.model.transaction import Billing, Transaction
from wattseal.model.verdict import EvidencePin, Grade
from wattseal.rules.billing import AT_BILLING, Standing, bill_now, reasons_now


@dataclass(frozen=True, slots=True)
class Case:
    """An ended transaction at the gate: where it stands, its grade, the pin, and every reason against billing it."""

    standing: Standing
    grade: Grade | None
    pin: EvidencePin
    reasons: tuple[str, ...]


async def gate(world: World, proofs: Proofs, transaction: Transaction) -> Case:
    """Return all that decides, by records alone, where a transaction stands."""
    grade = await grade_now(world, proofs, transaction)
    document = await world.journal.document(world.tenant, STATION, transaction.station_id.casefold())
    pin = NO_PIN if document is None else read(document, Station).pin
    standing = bill_now(transaction, grade, pin, world.now_ms())
    return Case(standing, grade, pin, () if transaction.active else reasons_now(transaction, grade, pin))


async def case_of(world: World, proofs: Proofs, transaction: Transaction) -> Case:
    """Return all that decides where a transaction stands, what was found out when it was to be billed included."""
    case = await gate(world, proofs, transaction)
    if case.standing[0] is not Billing.BILLED:
        return case
    document = await world.journal.document(world.tenant, UNBILLED, transaction.id)
    reason = "" if document is None else read(document, Unbilled).reason
    if reason not in AT_BILLING:
        return case
    return replace(case, standing=(Billing.QUARANTINED, reason), reasons=(*case.reasons, reason))


async def standing_of(world: World, proofs: Proofs, transaction: Transaction) -> tuple[Standing, Grade | None]:
    """Return where a transaction stands, and its grade."""
    case = await case_of(world, proofs, transaction)
    return case.standing, case.grade
