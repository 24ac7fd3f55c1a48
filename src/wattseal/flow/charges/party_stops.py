"""Stops that an eMSP signs for charges whose readings only it can read: checked, kept, and noted on the charge.

What the note brings about is the same as any other (`flow.charges.stopping`). Whoever delivered the stop means nothing:
it is obeyed because of who signed it and what it refers to.
"""

from collections.abc import Sequence

from wattseal.base.errors import InputError
from wattseal.base.ids import StationId, Subject
from wattseal.flow.charges.loose_ends import note_open
from wattseal.flow.charges.stopping import BY_PARTY
from wattseal.flow.documents import TRANSACTION, read
from wattseal.flow.drivers.decisions import signed_by
from wattseal.flow.turn import find_in_memory, remember_station
from wattseal.flow.world import World
from wattseal.model.transaction import Transaction
from wattseal.seal import dcbor
from wattseal.seal.fields import STOP_ACTION, Ordered
from wattseal.seal.groups import Content, Opening, open_box
from wattseal.seal.item import Group, Item, Kind, parse_item

MAX_ANSWER_BYTES = 1 << 20


async def take_answer(world: World, party: str, body: bytes) -> None:
    """Take what an eMSP answered to a relayed record: stops; anything else in it means nothing here."""
    try:
        found = dcbor.decode(body, MAX_ANSWER_BYTES) if body else []
    except InputError:
        world.count("relay_answer_unreadable")
        return
    await take_stops(world, party, [data for data in found if isinstance(data, bytes)] if type(found) is list else [])


async def take_stops(world: World, party: str, items: Sequence[bytes]) -> None:
    """Have the charges stopped that `party` has signed stops for; what it may not stop is counted and forgotten."""
    for data in items:
        try:
            item = parse_item(data)
        except InputError:
            world.count("stop_unusable")
            continue
        if item.payload.kind != Kind.COMMAND:
            continue
        transaction = await _stopped(world, party, item)
        if transaction is None:
            world.count("stop_unusable")
            continue
        memory = await remember_station(world, StationId(transaction.station_id))
        live = find_in_memory(world, transaction)
        if memory is not None and live is not None:
            await note_open(world, memory, live, BY_PARTY, detail=party, cause=item)


async def _stopped(world: World, party: str, item: Item) -> Transaction | None:
    """Return the transaction that a stop is for, if `party` bills it, signed the stop and names its own decision."""
    subject = item.payload.subject
    if subject is None or not _says_stop(item) or not signed_by(world, item, party):
        return None
    document = await world.journal.document(world.tenant, TRANSACTION, Subject(subject).hex())
    transaction = None if document is None else read(document, Transaction)
    if transaction is None or transaction.party != party or transaction.decision is None:
        return None
    return transaction if bytes.fromhex(transaction.decision) in item.payload.refs else None


def _says_stop(item: Item) -> bool:
    opened = open_box(item, int(Group.OPS), None) if Group.OPS in item.boxes else None
    if not isinstance(opened, Opening):
        return False
    try:
        return Ordered.read(Content.decode(opened.content).fields).action == STOP_ACTION
    except InputError:
        return False
