"""Revenue: sessions, energy and money by steps of a clock, as JSON and as a table."""

from dataclasses import replace
from typing import Any

from litestar import Response, get
from litestar.params import FromQuery

from wattseal.base import spreadsheet
from wattseal.flow.listing import spelled
from wattseal.flow.revenue import COLUMNS, revenue, revenue_rows
from wattseal.flow.world import World
from wattseal.model.revenue import Earned, Figures, Revenue, RevenueQuery, StepSize, Total
from wattseal.pricing.money import minor_to_decimal, minor_unit_digits
from wattseal.serve.api.paging import Instant, milliseconds
from wattseal.serve.api.problems import demand
from wattseal.serve.api.service import Service, ShortQuery, What, Who
from wattseal.serve.api.tables import CSV

DAY_MS = 86_400_000
DEFAULT_DAYS = 90


@get("/revenue")
async def get_revenue(
    principal: Who,
    service: What,
    *,
    since: Instant = None,
    until: Instant = None,
    zone: ShortQuery = None,
    step: FromQuery[StepSize] = StepSize.DAY,
    station_id: ShortQuery = None,
    site: ShortQuery = None,
    party: ShortQuery = None,
) -> dict[str, Any]:
    """Add up sessions, energy and bills from `since` to before `until`, by default the last 90 days, by steps.

    Both are on quarters of an hour; `zone` is an IANA name. A session counts where it ended; `before` is the stretch
    just before. `party` is an eMSP.
    """
    demand(principal, "bills:read")
    demand(principal, "energy:read")
    from_ms, to_ms = _span(service.world, since, until)
    query = RevenueQuery(from_ms=from_ms, to_ms=to_ms, zone=zone or "UTC", step=step)
    return _revenue_view(await revenue(service.world, await _filtered(service, query, station_id, site, party)))


@get("/revenue/table.csv", media_type=CSV)
async def get_revenue_csv(
    principal: Who,
    service: What,
    *,
    since: Instant = None,
    until: Instant = None,
    zone: ShortQuery = None,
    step: FromQuery[StepSize] = StepSize.DAY,
    station_id: ShortQuery = None,
    site: ShortQuery = None,
    party: ShortQuery = None,
) -> Response[str]:
    """Return the same as CSV: a line of sessions a step, then a line a currency, grade and source."""
    demand(principal, "bills:read")
    demand(principal, "energy:read")
    from_ms, to_ms = _span(service.world, since, until)
    query = RevenueQuery(from_ms=from_ms, to_ms=to_ms, zone=zone or "UTC", step=step)
    told = await revenue(service.world, await _filtered(service, query, station_id, site, party))
    text = "".join(map(spreadsheet.row, (COLUMNS, *revenue_rows(told))))
    return Response(text, media_type=f"{CSV}; charset=utf-8; header=present")


def _span(world: World, since: str | None, until: str | None) -> tuple[int, int]:
    """Return the ends asked for; the default one is the next midnight (UTC)."""
    asked_ms = milliseconds(until, "until")
    to_ms = -(-world.now_ms() // DAY_MS) * DAY_MS if asked_ms is None else asked_ms
    from_ms = milliseconds(since, "since")
    return max(0, to_ms - DEFAULT_DAYS * DAY_MS) if from_ms is None else from_ms, to_ms


async def _filtered(
    service: Service, query: RevenueQuery, station_id: str | None, site: str | None, party: str | None
) -> RevenueQuery:
    stations = () if station_id is None else (await spelled(service.world, station_id),)
    sites = () if site is None else (site,)
    return replace(query, stations=stations, sites=sites, parties=() if party is None else (party,))


def _revenue_view(told: Revenue) -> dict[str, Any]:
    return {
        "zone": told.query.zone,
        "step": told.query.step.value,
        "total": _figures_view(told.total),
        "before": _figures_view(told.before),
        "steps": [_figures_view(step) for step in told.steps],
    }


def _figures_view(told: Figures) -> dict[str, Any]:
    sessions = told.sessions
    return {
        "from_ms": told.from_ms,
        "to_ms": told.to_ms,
        "sessions": {
            "pending": sessions.pending,
            "quarantined": sessions.quarantined,
            "free": sessions.free,
            "billed": sessions.billed,
        },
        "energy_wh": format(sessions.energy_wh, "f"),
        "seconds": sessions.seconds,
        "evses": told.evses,
        "utilisation": told.utilisation,
        "totals": [_total_view(total) for total in told.totals],
        "earned": [_earned_view(line) for line in told.earned],
    }


def _total_view(total: Total) -> dict[str, Any]:
    return {
        "currency": total.currency,
        "bills": total.bills,
        "net": _units(total.net, total.currency),
        "tax": _units(total.tax, total.currency),
        "reversed_net": _units(total.reversed_net, total.currency),
        "reversed_tax": _units(total.reversed_tax, total.currency),
        "verified_net": _units(total.verified_net, total.currency),
        "verified_tax": _units(total.verified_tax, total.currency),
    }


def _earned_view(line: Earned) -> dict[str, Any]:
    return {
        "currency": line.currency,
        "grade": line.grade.name,
        "source": line.source.value,
        "bills": line.bills,
        "net": _units(line.net, line.currency),
        "tax": _units(line.tax, line.currency),
        "reversed_bills": line.reversed_bills,
        "reversed_net": _units(line.reversed_net, line.currency),
        "reversed_tax": _units(line.reversed_tax, line.currency),
        "energy_wh": format(line.energy_wh, "f"),
    }


def _units(minor: int, currency: str) -> str:
    return format(minor_to_decimal(minor, minor_unit_digits(currency)), "f")


ROUTES = (get_revenue_csv, get_revenue)
