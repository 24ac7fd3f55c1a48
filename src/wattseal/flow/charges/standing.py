"""Where a transaction stands now: by its own records, its station's pin, and the grade it has reached."""

from wattseal.flow.charges.bundling import Proofs
from wattseal.flow.charges.grading import grade_now
from wattseal.flow.documents import STATION, read
from wattseal.flow.world import World
from wattseal.model.station import NO_PIN, Station
from wattseal.model.transaction import Billing, Transaction
from wattseal.model.verdict import Grade
from wattseal.rules.billing import bill_now

Standing = tuple[Billing, str | None]
"""Where it stands, and the reason as a code."""


async def standing_of(world: World, proofs: Proofs, transaction: Transaction) -> tuple[Standing, Grade | None]:
    """Return where a transaction stands, and its grade."""
    grade = await grade_now(world, proofs, transaction)
    document = await world.journal.document(world.tenant, STATION, transaction.station_id.casefold())
    pin = NO_PIN if document is None else read(document, Station).pin
    return bill_now(transaction, grade, pin, world.now_ms()), grade
