"""Histories: of each kind the latest entries of a station as they came; beyond a bound the oldest goes."""

from typing import Any

from wattseal.base.ids import StationId
from wattseal.flow.documents import put, removal
from wattseal.flow.memory import Memory
from wattseal.flow.step import Step

_PAGE = 1000


def prefix(station_id: str) -> str:
    """Return what the keys of a station's documents begin with."""
    return f"{station_id.casefold()}/"


async def append(step: Step, memory: Memory, kind: str, entry: Any, keep: int) -> str:
    """Put an entry behind a station's others of that kind, of which `keep` remain; return its key."""
    trail = memory.trails.get(kind) or await _recall(step, memory, kind)
    stem = f"{prefix(memory.station.id)}{step.now_ms:015d}"
    number = int(trail[-1].rpartition("-")[2]) + 1 if trail and trail[-1].startswith(stem) else 0
    key = f"{stem}-{number:06d}"
    trail.append(key)
    step.puts.append(put(kind, key, entry, step.now_ms, station_id=memory.station.id))
    while len(trail) > keep:
        step.puts.append(removal(kind, trail.pop(0), step.now_ms))
    return key


async def _recall(step: Step, memory: Memory, kind: str) -> list[str]:
    journal = step.world.journal
    found: list[str] = []
    after = prefix(memory.station.id)
    while page := await journal.documents(
        step.world.tenant, kind, station_id=StationId(step.station_id), after=after, limit=_PAGE
    ):
        found.extend(document.key for document in page)
        after = page[-1].key
    return memory.trails.setdefault(kind, found)
