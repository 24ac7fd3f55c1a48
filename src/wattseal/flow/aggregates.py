"""Sums for those who may see no session (`rules.aggregates`): each day of each site is added up once and kept."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from wattseal.base.errors import InputError
from wattseal.flow.charges.charged_token import charged_token
from wattseal.flow.documents import STATION, every_document, put, read
from wattseal.flow.ports import Batch, RowsWanted
from wattseal.flow.turn import transaction_by_id
from wattseal.flow.world import World
from wattseal.model.rollup import ListedSession, SessionState
from wattseal.model.station import Station
from wattseal.rules.aggregates import DAY_MS, SETTLED_DAYS, Atom, Gathered, atom

AGGREGATE = "aggregate"
"""Document kind: an atom, by day and site."""
MAX_DAYS = 92
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Asked:
    """Whole days from `since` to before `until`, counted from 1970 (UTC); of one site, or of all."""

    since: int
    until: int
    site: str | None = None


async def atoms(world: World, asked: Asked) -> tuple[Atom, ...]:
    """Return the atoms of the days asked for, those that may not be shown without figures; days in their order.

    `InputError` `bad_span` for none or too many days; `not_settled_yet` for one that is not over for long enough.
    """
    if not asked.since < asked.until <= asked.since + MAX_DAYS:
        raise InputError(f"ask for 1 to {MAX_DAYS} whole days", code="bad_span", subject="until")
    if asked.until > world.now_ms() // DAY_MS - SETTLED_DAYS:
        text = f"a day is added up when it has been over for {SETTLED_DAYS} days"
        raise InputError(text, code="not_settled_yet", subject="until")
    sites = await _sites(world)
    found: list[Atom] = []
    for day in range(asked.since, asked.until):
        found += [one for one in await _day(world, day, sites) if asked.site in {None, one.site}]
    return tuple(found)


async def _sites(world: World) -> Mapping[str, str]:
    """Return the site of each station by its id, "" where it is at none."""
    documents = every_document(world.journal, world.tenant, STATION)
    stations = [read(document, Station) async for document in documents]
    return {station.id.casefold(): station.site or "" for station in stations}


async def _day(world: World, day: int, sites: Mapping[str, str]) -> Sequence[Atom]:
    """Return a day's atoms, one for each site there was then: as they were kept, or made now and kept for good."""
    prefix = f"{day:08d}/"
    page = await world.journal.documents(world.tenant, AGGREGATE, after=prefix, limit=_PAGE)
    kept = [read(document, Atom) for document in page if document.key.startswith(prefix)]
    if kept:
        return kept
    found: dict[str, Gathered] = {site: Gathered() for site in (*sites.values(), "")}
    async for row in _rows(world, day):
        driver = await _driver(world, row)
        found[sites.get(row.station_id.casefold(), "")].take(driver, row.energy_mwh, row.seconds)
    made = [atom(site, day, found[site]) for site in sorted(found)]
    now_ms = world.now_ms()
    puts = tuple(put(AGGREGATE, f"{prefix}{one.site or '-'}", one, now_ms) for one in made)
    await world.journal.commit(Batch(world.tenant, puts=puts))
    return made


async def _rows(world: World, day: int) -> AsyncIterator[ListedSession]:
    """Yield the sessions first heard of on a day that have ended."""
    before = ((day + 1) * DAY_MS, "")
    while page := await world.journal.sessions(
        world.tenant, RowsWanted(limit=_PAGE, before=before, since_ms=day * DAY_MS, documents=False)
    ):
        for kept in page:
            if kept.row.state is not SessionState.OPEN:
                yield kept.row
        before = (page[-1].row.recorded_ms, page[-1].row.id)


async def _driver(world: World, row: ListedSession) -> str:
    """Return what tells drivers of a day apart: the card; "" for all of those who are not known here."""
    transaction = await transaction_by_id(world, row.id)
    token = None if transaction is None else await charged_token(world, transaction)
    return "" if token is None else token.key()
