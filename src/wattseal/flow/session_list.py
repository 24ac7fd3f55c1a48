"""Sessions and bills, newest first: pages that cost the same however many there are."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from wattseal.base.errors import InputError
from wattseal.flow.documents import STATION, every_document, read
from wattseal.flow.ports import KeptBill, KeptSession, RowsWanted
from wattseal.flow.world import World
from wattseal.model.billing import Bill
from wattseal.model.rollup import ListedSession, SessionState
from wattseal.model.station import Station
from wattseal.model.transaction import Transaction

MAX_STATIONS = 500
"""Stations that are looked through for one page."""
T = TypeVar("T", KeptSession, KeptBill)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewestQuery:
    """A page asked for: `after` is the cursor of the page before. Filters given must all fit; () lets all pass.

    Times are when a session was first heard of or a bill made, `since_ms` inclusive, `until_ms` exclusive. `stations`
    are ids as enrolled and `sites` those of sites (with both given, all those stations count); `party` "" is none;
    `state` is one of sessions, `account` one of bills.
    """

    limit: int
    after: str = ""
    stations: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    evse_id: int | None = None
    party: str | None = None
    state: SessionState | None = None
    account: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A session: as it is listed, with where it stands, and as its records have it."""

    row: ListedSession
    transaction: Transaction


async def newest_sessions(world: World, query: NewestQuery) -> tuple[list[Listed], str | None]:
    """Return a page of sessions, and the cursor of the next one; None where this is the last."""
    page, cursor = await _page(world, query, world.journal.sessions, lambda kept: (kept.row.recorded_ms, kept.row.id))
    return [Listed(kept.row, read(kept.document, Transaction)) for kept in page if kept.document is not None], cursor


async def newest_bills(world: World, query: NewestQuery) -> tuple[list[Bill], str | None]:
    """Return a page of bills, and the cursor of the next one; None where this is the last."""
    page, cursor = await _page(world, query, world.journal.bills, lambda kept: (kept.row.billed_ms, kept.row.id))
    return [read(kept.document, Bill) for kept in page if kept.document is not None], cursor


async def _page(
    world: World,
    query: NewestQuery,
    rows: Callable[..., Awaitable[tuple[T, ...]]],
    place: Callable[[T], tuple[int, str]],
) -> tuple[list[T], str | None]:
    """Read one row more than a page from each station asked for: whether there is one more tells of a next page."""
    wanted = _wanted(query)
    stations = await _stations(world, query)
    found: list[T] = []
    for station_id in (None,) if stations is None else stations:
        found.extend(await rows(world.tenant, replace(wanted, station_id=station_id)))
    found.sort(key=place, reverse=True)
    page = found[: query.limit]
    at_ms, last = place(page[-1]) if page else (0, "")
    return page, f"{at_ms}-{last}" if len(found) > query.limit else None


def _wanted(query: NewestQuery) -> RowsWanted:
    bare = RowsWanted(
        limit=query.limit + 1,
        since_ms=query.since_ms,
        evse_id=query.evse_id,
        party=query.party,
        state=query.state,
        account=query.account,
    )
    places = [bare.before]
    if query.until_ms is not None:
        places.append((query.until_ms, ""))
    if query.after:
        at_ms, _, last = query.after.partition("-")
        if not at_ms.isdecimal() or not at_ms.isascii() or len(at_ms) > len(str(bare.before[0])) - 1:
            raise InputError("this cursor was not given out here", code="bad_cursor", subject="after")
        places.append((int(at_ms), last))
    return replace(bare, before=min(places))


async def _stations(world: World, query: NewestQuery) -> Sequence[str] | None:
    """Return the stations asked for, None for all."""
    if not query.stations and not query.sites:
        return None
    found = set(query.stations)
    if query.sites:
        async for document in every_document(world.journal, world.tenant, STATION):
            station = read(document, Station)
            if station.site in query.sites:
                found.add(station.id)
    if len(found) > MAX_STATIONS:
        text = f"these are {len(found)} stations; choose no more than {MAX_STATIONS}"
        raise InputError(text, code="too_many_stations", subject="site")
    return sorted(found)
