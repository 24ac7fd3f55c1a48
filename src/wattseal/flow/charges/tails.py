"""No tail of a chain stays unsigned: a heartbeat covers links that nothing else has covered in time."""

from wattseal.flow.documents import STATION, TRANSACTION, read
from wattseal.flow.step import Step
from wattseal.flow.world import World
from wattseal.model.station import Station
from wattseal.model.transaction import Transaction
from wattseal.seal import dcbor
from wattseal.seal.item import Kind
from wattseal.seal.plain import PlainDraft


async def sign_tails(world: World, interval_ms: int) -> int:
    """Sign every chain of ours whose oldest unsigned link is older than `interval_ms`; return how many."""
    now_ms = world.now_ms()
    places = world.chains.unsigned_since(now_ms - interval_ms)
    if not places:
        return 0
    step = Step(world, "", now_ms)
    for place in places:
        step.write(place, world.csms_key, PlainDraft(Kind.HEARTBEAT, now_ms, public=dcbor.encode({1: 0})), None)
    await step.commit()
    return len(places)


async def load_open_chains(world: World) -> None:
    """Look up where the chains of open transactions stand, so that tails left unsigned by a crash are signed too."""
    after = ""
    while page := await world.journal.documents(world.tenant, TRANSACTION, active=True, after=after, limit=1000):
        for transaction in (read(document, Transaction) for document in page):
            document = await world.journal.document(world.tenant, STATION, transaction.station_id.casefold())
            if document is not None:
                await world.chains.ready(world.origin_of(read(document, Station)), transaction.evse_id)
        after = page[-1].key
