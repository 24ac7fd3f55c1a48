"""An eMSP that is new to this CPO is told its tariffs, and where they apply; changes reach it as they are made."""

from dataclasses import dataclass

from wattseal.flow.charges.sealed import RELAY, relay_body
from wattseal.flow.documents import put
from wattseal.flow.money.tariffs import tariff_book, tariff_item
from wattseal.flow.ports import Batch, Outgoing
from wattseal.flow.world import World
from wattseal.model.tariff_place import PRIVATE

TOLD = "tariffs_told"
"""Document kind, by party: that it has been sent what stood when it came."""


@dataclass(frozen=True, slots=True)
class Told:
    """Document: when an eMSP was sent what stood."""

    at_ms: int


async def tell_new_partners(world: World) -> tuple[str, ...]:
    """Send the records in force to the eMSPs that were never told any; return those eMSPs."""
    parties = world.partners.parties()
    new = [party for party in parties if await world.journal.document(world.tenant, TOLD, party) is None]
    if not new:
        return ()
    book = await tariff_book(world)
    listed = (one for one in book.listed.values() if one.removed_ms is None)
    records = [version.record for one in listed for version in one.versions]
    records += [found.record for found in book.assigned.values() if found.level not in PRIVATE]
    items = [item for record in dict.fromkeys(records) if (item := await tariff_item(world, record)) is not None]
    now_ms = world.now_ms()
    outbox = tuple(
        Outgoing(f"{RELAY}-{party}-{item.hash.hex()}", RELAY, relay_body(party, item), now_ms)
        for party in new
        for item in items
    )
    puts = tuple(put(TOLD, party, Told(now_ms), now_ms) for party in new)
    await world.journal.commit(Batch(world.tenant, puts=puts, outbox=outbox))
    return tuple(new)
