"""Revenue: sessions, energy and money over time, out of the sums that the journal keeps. Nothing is priced here."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from wattseal.flow.documents import STATION, every_document, read
from wattseal.flow.world import World
from wattseal.model.revenue import Figures, Revenue, RevenueQuery
from wattseal.model.station import Station
from wattseal.pricing.money import minor_to_decimal, minor_unit_digits
from wattseal.rules.clock_steps import period_before, step_bounds, zone_of
from wattseal.rules.revenue import by_step, figures

Cells = tuple[str | int | Decimal | None, ...]
COLUMNS = (
    *("from", "to", "currency", "grade", "source", "pending", "quarantined", "free", "billed", "energy_wh", "seconds"),
    *("bills", "net", "vat", "reversed_bills", "reversed_net", "reversed_vat"),
)
"""Columns of the table: a line of sessions a step, without a currency, then one a currency, grade and source."""


async def revenue(world: World, query: RevenueQuery) -> Revenue:
    """Return what is asked for, with the stretch just before; `InputError` where it cannot be asked for like that."""
    zone = zone_of(query.zone)
    bounds = step_bounds(query.from_ms, query.to_ms, zone, query.step)
    before_ms = period_before(query.from_ms, query.to_ms, zone)
    if before_ms < query.from_ms:
        bounds = (before_ms, *bounds)
    places = await _places(world, query)
    rows = await world.journal.rollups(world.tenant, bounds, stations=places.stations, parties=query.parties or None)
    steps = by_step(bounds, rows, places.evses)
    before = Figures(0, 0, evses=places.evses)
    if before_ms < query.from_ms:
        before, *rest = steps
        rows, steps = tuple(row for row in rows if row.step), tuple(rest)
    return Revenue(query, figures(query.from_ms, query.to_ms, rows, places.evses), steps, before)


@dataclass(frozen=True, slots=True)
class _Places:
    """The stations whose sums are read, None for all, and how many EVSEs they have."""

    stations: tuple[str, ...] | None
    evses: int


async def _places(world: World, query: RevenueQuery) -> _Places:
    """Find the stations asked for; one that is enrolled without saying its EVSEs counts as one."""
    asked = bool(query.stations or query.sites)
    wanted = {station.casefold() for station in query.stations}
    found, evses = set(query.stations), 0
    async for document in every_document(world.journal, world.tenant, STATION):
        station = read(document, Station)
        if asked and document.key not in wanted and station.site not in query.sites:
            continue
        found.add(station.id)
        evses += max(1, len(station.evses))
    return _Places(tuple(sorted(found)) if asked else None, evses)


def revenue_rows(told: Revenue) -> Iterator[Cells]:
    """Yield the steps as lines of a table; amounts in units of the currency, times in the query's zone."""
    zone = zone_of(told.query.zone)
    for step in told.steps:
        span = tuple(
            datetime.fromtimestamp(ms / 1000, UTC).astimezone(zone).isoformat() for ms in (step.from_ms, step.to_ms)
        )
        sessions = step.sessions
        counts = (sessions.pending, sessions.quarantined, sessions.free, sessions.billed)
        yield (*span, None, None, None, *counts, sessions.energy_wh, sessions.seconds, *_NONE)
        for line in step.earned:
            digits = minor_unit_digits(line.currency)
            stands = (line.bills, minor_to_decimal(line.net, digits), minor_to_decimal(line.tax, digits))
            back = (
                line.reversed_bills,
                minor_to_decimal(line.reversed_net, digits),
                minor_to_decimal(line.reversed_tax, digits),
            )
            whose = (line.currency, line.grade.name, line.source.value)
            yield (*span, *whose, None, None, None, None, line.energy_wh, None, *stands, *back)


_NONE = (None,) * 6
