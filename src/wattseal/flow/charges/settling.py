"""When a transaction has ended, its bundle is due at the eMSP that decided; what that answers stays in its record."""

from wattseal.base.ids import Subject
from wattseal.flow.ports import Outgoing
from wattseal.flow.world import World
from wattseal.model.transaction import Transaction
from wattseal.rules.recorded import Recorded, read_item
from wattseal.seal.fields import Settlement
from wattseal.seal.groups import Opening, open_box, unwrap
from wattseal.seal.item import Item, Kind, parse_item

SETTLE = "settle"
"""Outbox kind: a transaction, by id, whose bundle is to be settled."""
CDR_OUT = "cdr_out"
"""Outbox kind: an OCPI CDR, by its id; a session's first one has the transaction's."""


def settlement_due(transaction: Transaction, own_party: str, now_ms: int) -> tuple[Outgoing, ...]:
    """Return the message that sends an ended transaction's bundle to its eMSP; none for the CPO's own customers."""
    if transaction.ended is None or transaction.party in {None, own_party}:
        return ()
    return (Outgoing(f"{SETTLE}-{transaction.id}", SETTLE, transaction.id.encode(), now_ms),)


def read_settlement(world: World, item: Item) -> Recorded:
    """Read a settlement record with what is sealed in it for this CPO."""
    opened = (open_box(item, gid, unwrap(item, gid, world.seal_key)) for gid in item.boxes)
    return read_item(item, [o for o in opened if isinstance(o, Opening)])


async def settlement_of(world: World, transaction: Transaction) -> Settlement | None:
    """Open the settlement that a transaction refers to; its figures are written down nowhere else."""
    if transaction.settlement is None:
        return None
    for kept in await world.journal.items_by_subject(world.tenant, Subject(bytes.fromhex(transaction.id))):
        if kept.item.kind == Kind.SETTLEMENT and kept.item.payload_hash.hex() == transaction.settlement:
            return read_settlement(world, parse_item(kept.item.item)).settlement
    return None
