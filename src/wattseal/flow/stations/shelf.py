"""Documents of a station under keys of their own, so many of a kind and no more."""

from typing import Any

from wattseal.base.ids import StationId
from wattseal.flow.documents import put, removal
from wattseal.flow.history import prefix
from wattseal.flow.memory import Memory
from wattseal.flow.step import Step

_PAGE = 1000


def numbered(number: int) -> str:
    """Return a number as a part of a key: in order, negative ones first."""
    return f"{number + 10**16:017d}"


async def shelve(step: Step, memory: Memory, kind: str, name: str, body: Any, *, limit: int) -> bool:
    """Put a document in place of the one of that name; one more than `limit` is left out and counted."""
    names = await _names(step, memory, kind)
    if name not in names and len(names) >= limit:
        step.world.count(f"{kind}_beyond_limit")
        return False
    names.add(name)
    station_id = memory.station.id
    step.puts.append(put(kind, prefix(station_id) + name, body, step.now_ms, station_id=station_id))
    return True


async def unshelve(step: Step, memory: Memory, kind: str, name: str) -> None:
    """Remove a document."""
    (await _names(step, memory, kind)).discard(name)
    step.puts.append(removal(kind, prefix(memory.station.id) + name, step.now_ms))


async def _names(step: Step, memory: Memory, kind: str) -> set[str]:
    names = memory.shelves.get(kind)
    if names is None:
        start, found = prefix(memory.station.id), set[str]()
        after = start
        while page := await step.world.journal.documents(
            step.world.tenant, kind, station_id=StationId(memory.station.id), after=after, limit=_PAGE
        ):
            found |= {document.key.removeprefix(start) for document in page}
            after = page[-1].key
        names = memory.shelves.setdefault(kind, found)
    return names
