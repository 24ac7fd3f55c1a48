"""Pages of documents, filtered: by what the journal indexes, and by whatever else a reader asks for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from wattseal.base.ids import StationId
from wattseal.flow.documents import STATION, read
from wattseal.flow.world import World
from wattseal.model.station import Station

MAX_SCANNED = 5000
"""So many documents are looked at for one page; where a filter lets few pass, a page is short and leads on."""
_CHUNK = 1000
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A page asked for. Times bound documents whose keys begin with theirs: `since` inclusive, `until` exclusive."""

    limit: int
    after: str = ""
    station_id: str | None = None
    active: bool | None = None
    since_ms: int | None = None
    until_ms: int | None = None


def timed(at_ms: int) -> str:
    """Return how keys in the order of time begin."""
    return f"{max(0, at_ms):015d}"


async def latest(
    world: World, kind: str, shape: type[T], wanted: Wanted, keep: Callable[[T], bool] | None = None
) -> tuple[list[T], str | None]:
    """Return a page of documents whose keys begin with times, the newest first; `after` is the page before's cursor."""
    after = wanted.after
    if wanted.until_ms is not None:
        after = min(after, timed(wanted.until_ms)) if after else timed(wanted.until_ms)
    begin = "" if wanted.since_ms is None else timed(wanted.since_ms)
    station = None if wanted.station_id is None else await spelled(world, wanted.station_id)
    found: list[T] = []
    for _ in range(MAX_SCANNED // _CHUNK):
        size = _CHUNK if keep is not None else wanted.limit - len(found)
        page = await world.journal.documents(
            world.tenant, kind, station_id=station, active=wanted.active, after=after, limit=size, newest=True
        )
        for document in page:
            if document.key < begin:
                return found, None
            after = document.key
            value = read(document, shape)
            if keep is None or keep(value):
                found.append(value)
                if len(found) == wanted.limit:
                    return found, after
        if len(page) < size:
            return found, None
    return found, after


async def listing(
    world: World, kind: str, shape: type[T], wanted: Wanted, keep: Callable[[T], bool] | None = None
) -> tuple[list[T], str | None]:
    """Return a page of documents, read as `shape`, and the cursor of the next one; None where this is the last."""
    after = wanted.after if wanted.since_ms is None else max(wanted.after, timed(wanted.since_ms))
    end = None if wanted.until_ms is None else timed(wanted.until_ms)
    station = None if wanted.station_id is None else await spelled(world, wanted.station_id)
    found: list[T] = []
    for _ in range(MAX_SCANNED // _CHUNK):
        size = _CHUNK if keep is not None else wanted.limit - len(found)
        page = await world.journal.documents(
            world.tenant, kind, station_id=station, active=wanted.active, after=after, limit=size
        )
        for document in page:
            if end is not None and document.key >= end:
                return found, None
            after = document.key
            value = read(document, shape)
            if keep is None or keep(value):
                found.append(value)
                if len(found) == wanted.limit:
                    return found, after
        if len(page) < size:
            return found, None
    return found, after


async def spelled(world: World, station_id: str) -> StationId:
    """Return a station's id as enrolled, however its letters were cased; one that is not enrolled as it came."""
    document = await world.journal.document(world.tenant, STATION, station_id.casefold())
    return StationId(station_id if document is None else read(document, Station).id)
