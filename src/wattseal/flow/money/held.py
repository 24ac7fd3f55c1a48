"""What is held for charges, as documents: by charge, and by account while it is open."""

from wattseal.flow.documents import put, read, removal
from wattseal.flow.ports import Put
from wattseal.flow.world import World
from wattseal.model.held import Held

HOLD = "hold"
"""Document kind: what is held for a charge, by the transaction's id; active while it is."""
HOLD_OF_ACCOUNT = "hold_of_account"
"""Document kind, by account and transaction: that something is held there; it goes when that is given back."""


def put_held(held: Held, now_ms: int) -> tuple[Put, ...]:
    """Return the documents of a hold, to be committed with its posting."""
    place = f"{held.account}/{held.id}"
    pointer = put(HOLD_OF_ACCOUNT, place, held.id, now_ms) if held.open else removal(HOLD_OF_ACCOUNT, place, now_ms)
    return (put(HOLD, held.id, held, now_ms, station_id=held.station_id, active=held.open), pointer)


async def holds_of(world: World, transaction_id: str) -> Held | None:
    """Return what is or was held for a charge, by our id; None where nothing ever was."""
    document = await world.journal.document(world.tenant, HOLD, transaction_id)
    return None if document is None else read(document, Held)


async def open_holds(world: World, account: str, after: str = "", limit: int = 100) -> tuple[Held, ...]:
    """Return what is held on an account, by the ids of its charges."""
    start = f"{account}/{after}"
    page = await world.journal.documents(world.tenant, HOLD_OF_ACCOUNT, after=start, limit=limit)
    ids = [read(document, str) for document in page if document.key.startswith(f"{account}/")]
    found = [await holds_of(world, transaction_id) for transaction_id in ids]
    return tuple(held for held in found if held is not None)
