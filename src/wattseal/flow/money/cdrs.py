"""CDRs by their id: a session's first one, the credit that takes one back, and the one in its place.

All of them follow from records and bills; asked for again, the same id gives the same CDR.
"""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from wattseal.flow.charges.bundling import utc_from_ms
from wattseal.flow.charges.cdrs import cdr_of
from wattseal.flow.documents import TRANSACTION, read
from wattseal.flow.money.bills import bill_of
from wattseal.flow.world import World
from wattseal.model.billing import Bill
from wattseal.model.cdr import Cdr
from wattseal.model.tariff import Price
from wattseal.model.transaction import Transaction

CREDIT = "-C"
"""What a credit CDR's id has behind that of the CDR it takes back."""
_COSTS = (
    "total_fixed_cost",
    "total_energy_cost",
    "total_time_cost",
    "total_parking_cost",
    "total_reservation_cost",
)


async def cdr_by_id(world: World, cdr_id: str) -> Cdr | None:
    """Return a CDR; None where there is no such session, or nothing that was agreed to be paid for it.

    One to an eMSP follows from its settlement; one of the CPO's own drivers from their bill.
    """
    bill_id = cdr_id.removesuffix(CREDIT)
    document = await world.journal.document(world.tenant, TRANSACTION, bill_id.partition("-")[0])
    if document is None:
        return None
    transaction = read(document, Transaction)
    first, bill = await cdr_of(world, transaction), await bill_of(world, bill_id)
    if first is None:
        return None
    if bill is None:
        asked = cdr_id == first.id and transaction.party not in {None, world.party}
        return first if asked else None
    cdr = first if bill.corrects is None else _corrected(first, bill)
    if not cdr_id.endswith(CREDIT):
        return cdr
    return credit_of(cdr, bill) if bill.credit == cdr_id else None


def _corrected(first: Cdr, bill: Bill) -> Cdr:
    """Return the CDR of a bill that took another's place: its amount was decided, so no dimension has a cost."""
    nothing: dict[str, Any] = dict.fromkeys(_COSTS)
    return replace(
        first,
        id=bill.id,
        total_cost=bill.total,
        last_updated=utc_from_ms(bill.billed_ms),
        remark=f"in place of {bill.corrects}, decided in a dispute",
        **nothing,
    )


def credit_of(cdr: Cdr, bill: Bill) -> Cdr:
    """Return the CDR that takes one back: its costs below zero, all else as it was (OCPI 2.2.1, module cdrs)."""
    costs: dict[str, Any] = {name: _negative(cost) for name in _COSTS if (cost := getattr(cdr, name)) is not None}
    return replace(
        cdr,
        id=cdr.id + CREDIT,
        credit=True,
        credit_reference_id=cdr.id,
        total_cost=_negative(cdr.total_cost),
        last_updated=utc_from_ms(bill.billed_ms if bill.credited_ms is None else bill.credited_ms),
        remark=None,
        **costs,
    )


def _negative(price: Price) -> Price:
    return Price(_minus(price.before_tax), None if price.after_tax is None else _minus(price.after_tax))


def _minus(amount: Decimal) -> Decimal:
    return amount.copy_negate() if amount else amount
