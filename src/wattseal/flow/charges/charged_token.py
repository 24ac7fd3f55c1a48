"""Which token a transaction was begun with, out of its records."""

import msgspec

from wattseal.base.ids import Subject
from wattseal.flow.world import World
from wattseal.model.token import IdToken
from wattseal.model.transaction import Transaction
from wattseal.rules.recorded import read_item
from wattseal.seal.item import Kind, parse_item
from wattseal.wire.ocpp.tokens import named_token


async def charged_token(world: World, transaction: Transaction) -> IdToken | None:
    """Return the token presented for a transaction, as its records tell it; None where it is sealed or none was."""
    for kept in await world.journal.items_by_subject(world.tenant, Subject(bytes.fromhex(transaction.id))):
        record = read_item(parse_item(kept.item.item))
        if record.identity is not None:
            return IdToken(record.identity.id_token, record.identity.type)
        if record.kind is Kind.STARTED and record.frame:
            return _told(record.frame)
    return None


def _told(frame: bytes) -> IdToken | None:
    """Return the token in the frame of a start that was charged to nobody."""
    try:
        payload = msgspec.json.decode(frame, type=list[object])[3]
    except (msgspec.MsgspecError, IndexError):
        return None
    return named_token(payload) if isinstance(payload, dict) else None
