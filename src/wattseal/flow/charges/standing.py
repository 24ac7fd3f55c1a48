"""Where a transaction stands now: by its own records, its station's pin, and the grade it has reached."""

from dataclasses import dataclass

from wattseal.flow.charges.bundling import Proofs
from wattseal.flow.charges.grading import grade_now
from wattseal.flow.documents import STATION, read
from wattseal.flow.world import World
from wattseal.model.station import NO_PIN, Station
from wattseal.model.transaction import Transaction
from wattseal.model.verdict import EvidencePin, Grade
from wattseal.rules.billing import Standing, bill_now, reasons_now


@dataclass(frozen=True, slots=True)
class Case:
    """An ended transaction at the gate: where it stands, its grade, the pin, and every reason against billing it."""

    standing: Standing
    grade: Grade | None
    pin: EvidencePin
    reasons: tuple[str, ...]


async def case_of(world: World, proofs: Proofs, transaction: Transaction) -> Case:
    """Return all that decides where a transaction stands."""
    grade = await grade_now(world, proofs, transaction)
    document = await world.journal.document(world.tenant, STATION, transaction.station_id.casefold())
    pin = NO_PIN if document is None else read(document, Station).pin
    standing = bill_now(transaction, grade, pin, world.now_ms())
    return Case(standing, grade, pin, () if transaction.active else reasons_now(transaction, grade, pin))


async def standing_of(world: World, proofs: Proofs, transaction: Transaction) -> tuple[Standing, Grade | None]:
    """Return where a transaction stands, and its grade."""
    case = await case_of(world, proofs, transaction)
    return case.standing, case.grade
