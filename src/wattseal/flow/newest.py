"""Documents whose keys begin with a time, newest first: the journal lists the oldest first, and is asked by windows."""

from collections.abc import AsyncIterator

from wattseal.base.ids import StationId
from wattseal.flow.listing import timed
from wattseal.flow.world import World

FIRST_MS, MOST_MS = 3_600_000, 400 * 86_400_000
"""The first window looked at and the longest one."""
FEW, MANY = 100, 1000
"""With fewer keys in a window the next is longer, with more it is shorter."""
LATEST = "9" * 15
_CHUNK = 1000


async def newest_keys(
    world: World, kind: str, *, before: str = "", since_ms: int = 0, station_id: str | None = None
) -> AsyncIterator[str]:
    """Yield keys below `before` ("" is no bound) and from `since_ms` on, the greatest first."""
    station = None if station_id is None else StationId(station_id)
    first = await world.journal.documents(world.tenant, kind, station_id=station, limit=1)
    if not first:
        return
    floor_ms = max(since_ms, _ms(first[0].key))
    end = before or LATEST
    start_ms, span_ms = min(_ms(end), world.now_ms() + MOST_MS), FIRST_MS
    while start_ms > floor_ms or end > timed(floor_ms):
        start_ms = max(floor_ms, start_ms - span_ms)
        keys = await _between(world, kind, station, timed(start_ms), end)
        for key in reversed(keys):
            yield key
        end = timed(start_ms)
        if start_ms == floor_ms:
            return
        if len(keys) < FEW:
            span_ms = min(span_ms * 4, MOST_MS)
        elif len(keys) > MANY:
            span_ms = max(span_ms // 4, 1000)


async def _between(world: World, kind: str, station: StationId | None, start: str, end: str) -> list[str]:
    """Return the keys from `start` to before `end`; a window that is full of them is read in pages."""
    keys: list[str] = []
    after = start
    while page := await world.journal.documents(world.tenant, kind, station_id=station, after=after, limit=_CHUNK):
        keys.extend(document.key for document in page if document.key < end)
        after = page[-1].key
        if after >= end or len(page) < _CHUNK:
            break
    return keys


def _ms(key: str) -> int:
    """Return the time a key begins with; one without any is the latest."""
    head = key[:15]
    return int(head) if head.isdecimal() and len(head) == 15 else int(LATEST)
