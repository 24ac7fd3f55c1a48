"""Documents whose time is over: they go by the clock, without anybody being asked."""

from collections.abc import Iterator

from wattseal.flow.documents import removal
from wattseal.flow.drivers.reservations import RESERVATION
from wattseal.flow.limits.needs import NEEDS
from wattseal.flow.ports import Batch
from wattseal.flow.world import World
from wattseal.rules.retention import DAY_MS

PAGE = 500


def _kinds(world: World) -> Iterator[tuple[str, int, bool | None]]:
    """Yield kinds of documents with their days, and whether only those that are over may go."""
    kept = world.settings.retention
    if kept.reservations_days is not None:
        yield RESERVATION, kept.reservations_days, False
    if kept.vehicle_needs_days is not None:
        yield NEEDS, kept.vehicle_needs_days, None


async def forget_documents(world: World) -> int:
    """Remove what was last changed longer ago than it is kept; return how many."""
    now_ms, count = world.now_ms(), 0
    for kind, days, active in _kinds(world):
        after = ""
        while page := await world.journal.documents(world.tenant, kind, active=active, after=after, limit=PAGE):
            after = page[-1].key
            old = [one.key for one in page if one.updated_at_ms + days * DAY_MS <= now_ms]
            if old:
                gone = tuple(removal(kind, key, now_ms) for key in old)
                await world.journal.commit(Batch(world.tenant, puts=gone))
                count += len(old)
                for _ in old:
                    world.count(f"{kind}_forgotten")
    return count
