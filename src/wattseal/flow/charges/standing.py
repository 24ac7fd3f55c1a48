"""Where a transaction stands now: by its own records, its station's pin, and the grade it has reached."""

from dataclasses import dataclass, replace

from wattseal.bundle.tariff import tariff_from_value
from wattseal.flow.charges.bundling import Proofs, others_of, tariff_record
from wattseal.flow.charges.grading import grade_now
from wattseal.flow.documents import STATION, UNBILLED, Unbilled, read
from wattseal.flow.money.bills import bill_of
from wattseal.flow.world import World
from wattseal.model.station import NO_PIN, Station
from wattseal.model.transaction import Billing, Transaction
from wattseal.model.verdict import EvidencePin, Grade
from wattseal.pricing.periods import by_clock
from wattseal.rules.billing import (
    AT_BILLING,
    NO_TARIFF,
    Standing,
    bill_now,
    covered,
    misdated,
    reasons_now,
)


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
    if transaction.active:
        return Case(standing, grade, pin, ())
    reasons = reasons_now(transaction, grade, pin)
    doubts = misdated(transaction)
    if doubts and await _goes_by_the_clock(world, transaction):
        reasons = (*reasons, *doubts)
        open_ones = [code for code in doubts if not covered(transaction, code)]
        if standing[0] is Billing.BILLED and open_ones:
            standing = Billing.QUARANTINED, open_ones[0]
    return Case(standing, grade, pin, reasons)


async def _goes_by_the_clock(world: World, transaction: Transaction) -> bool:
    """Return whether the price depends on the time of day, which this CPO takes from the station."""
    if transaction.sealed:
        return False
    record = await tariff_record(world, await others_of(world, transaction))
    return record is not None and by_clock(tariff_from_value(record.payload.public.get(1)))


async def case_of(world: World, proofs: Proofs, transaction: Transaction) -> Case:
    """Return all that decides where a transaction stands, what was found out when it was to be billed included."""
    case = await gate(world, proofs, transaction)
    if case.standing[0] is not Billing.BILLED:
        return case
    document = await world.journal.document(world.tenant, UNBILLED, transaction.id)
    if document is None and await _was_free(world, transaction):
        return replace(case, standing=(Billing.FREE, NO_TARIFF))
    reason = "" if document is None else read(document, Unbilled).reason
    if reason not in AT_BILLING:
        return case
    return replace(case, standing=(Billing.QUARANTINED, reason), reasons=(*case.reasons, reason))


async def _was_free(world: World, transaction: Transaction) -> bool:
    """Return whether a session that no longer waits for a bill has none, for no price was agreed."""
    if await bill_of(world, transaction.id) is not None:
        return False
    return await tariff_record(world, await others_of(world, transaction)) is None


async def standing_of(world: World, proofs: Proofs, transaction: Transaction) -> tuple[Standing, Grade | None]:
    """Return where a transaction stands, and its grade."""
    case = await case_of(world, proofs, transaction)
    return case.standing, case.grade
