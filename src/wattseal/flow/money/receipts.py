"""Receipts: what a session cost and the evidence for it, to whoever holds its unguessable id.

The id is random and stands on invoices as a QR code. It says nothing about anybody; whoever has it may see the session.
"""

from base64 import urlsafe_b64encode
from dataclasses import dataclass

from wattseal.flow.documents import put, read
from wattseal.flow.money.bills import bill_of
from wattseal.flow.ports import Batch, Put
from wattseal.flow.world import World
from wattseal.model.billing import Bill

RECEIPT, RECEIPT_OF = "receipt", "receipt_of"
"""Kinds of documents: the bill of a receipt, by its id, and the receipt of a bill, by the bill's."""
ID_BYTES = 18
"""Random bytes in an id: 24 characters."""


@dataclass(frozen=True, slots=True)
class ReceiptBill:
    """Document: which bill a receipt is of."""

    bill: str


@dataclass(frozen=True, slots=True)
class ReceiptId:
    """Document: a bill's receipt."""

    id: str


async def known_receipt(world: World, bill_id: str) -> str | None:
    """Return the id of a bill's receipt; None where it has none yet."""
    document = await world.journal.document(world.tenant, RECEIPT_OF, bill_id)
    return None if document is None else read(document, ReceiptId).id


def new_receipt(world: World, bill_id: str, now_ms: int) -> tuple[str, tuple[Put, ...]]:
    """Draw the id of a receipt; return it with the documents to be committed."""
    made = urlsafe_b64encode(world.random.bytes(ID_BYTES)).decode()
    return made, (put(RECEIPT, made, ReceiptBill(bill_id), now_ms), put(RECEIPT_OF, bill_id, ReceiptId(made), now_ms))


async def receipt_of(world: World, bill: Bill) -> str:
    """Return the id of a bill's receipt, made now where there is none; durable on return."""
    known = await known_receipt(world, bill.id)
    if known is not None:
        return known
    made, puts = new_receipt(world, bill.id, world.now_ms())
    await world.journal.commit(Batch(world.tenant, puts=puts))
    return made


async def bill_of_receipt(world: World, receipt: str) -> Bill | None:
    """Return what a receipt is of; None where there is no such one."""
    document = await world.journal.document(world.tenant, RECEIPT, receipt)
    return None if document is None else await bill_of(world, read(document, ReceiptBill).bill)
