"""General / Revenue: what was earned, delivered and used, how well it is proven, and the stretch before beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from urllib.parse import urlencode

from litestar import Response, get

from wattseal.base import spreadsheet
from wattseal.base.errors import InputError
from wattseal.flow.charges.reproof import broken_sessions
from wattseal.flow.documents import STATION, read
from wattseal.flow.fleet.sites import SITE, site_of
from wattseal.flow.fleet.uptime import station_uptime
from wattseal.flow.listing import spelled
from wattseal.flow.money.bills import bill_of
from wattseal.flow.revenue import COLUMNS, revenue, revenue_rows
from wattseal.flow.world import World
from wattseal.model.billing import Bill
from wattseal.model.revenue import Earned, Figures, Revenue, RevenueQuery, Total
from wattseal.model.site import Site
from wattseal.model.station import Station
from wattseal.model.verdict import Grade, Source
from wattseal.serve.api.service import Service, What
from wattseal.serve.api.tables import CSV
from wattseal.serve.viewers import Viewer
from wattseal.serve.web.formats import Formats
from wattseal.serve.web.money_charts import billed_wh, energy_chart, money_charts
from wattseal.serve.web.range import CUSTOM, NAMES, STEPS, Range, range_of
from wattseal.serve.web.render import render
from wattseal.serve.web.texts import marked as _
from wattseal.serve.web.viewer import Looks, Req, needs

SCOPES = ("bills:read", "energy:read")
MAX_OFFERED = 1000
"""Stations and sites that the filters offer."""
MAX_UPTIME = 25
"""Stations whose uptime is worked out for a page; of more, a filter has to choose."""
SOURCES = {
    Source.METER: _("the meter"),
    Source.STATION: _("the station"),
    Source.EDGE: _("the edge"),
    Source.CSMS: _("this system alone"),
}
FIELDS = ("range", "from", "to", "step", "station", "site", "party")


@dataclass(frozen=True, slots=True)
class Proof:
    """What a sum rests on: the weakest grade in it and its source, and the part that is verified."""

    grade: Grade
    source: Source
    share: Decimal | None


@dataclass(frozen=True, slots=True)
class Money:
    """One currency: what stands, what stood in the stretch before, and what it rests on."""

    now: Total
    before: int | None
    proof: Proof


@dataclass(frozen=True, slots=True)
class Choices:
    """What the filters offer; `cut` says that there are more stations than are offered."""

    stations: tuple[str, ...]
    sites: tuple[tuple[str, str], ...]
    cut: bool


@get("/revenue", security=[{}], include_in_schema=False, guards=[needs(*SCOPES)])
async def revenue_page(request: Req, viewer: Looks, service: What) -> Response[bytes]:
    """Show the figures of a stretch of time, beside those of the stretch before."""
    asked = {name: request.query_params[name][:255] for name in FIELDS if request.query_params.get(name)}
    trouble = ""
    try:
        span = range_of(asked, viewer.zone, service.world.now_ms())
        told = await _revenue(service.world, viewer, span, asked)
    except InputError as error:
        trouble = str(error)
        asked = {name: value for name, value in asked.items() if name in {"station", "site", "party"}}
        span = range_of(asked, viewer.zone, service.world.now_ms())
        told = await _revenue(service.world, viewer, span, asked)
    fmt = Formats(viewer.language, viewer.zone)
    before = await _before(service.world, told)
    return render(
        request,
        viewer,
        "revenue.html",
        status=422 if trouble else 200,
        trouble=trouble,
        span=span,
        asked=asked,
        told=told,
        money=_money(told),
        energy_proof=_proof(told.total.earned),
        change=change,
        standing=standing,
        charts=money_charts(told, before, fmt),
        energy_chart=energy_chart(told, before, fmt),
        billed=billed_wh,
        compared=bool(before),
        choices=await _choices(service.world),
        uptime=await _uptime(service, viewer, span, asked),
        most_uptime=MAX_UPTIME,
        ranges={name: _link(asked, range=name) for name in NAMES if name != CUSTOM},
        names=NAMES,
        sources=SOURCES,
        steps=STEPS,
        csv=_link(asked).replace("/revenue", "/revenue.csv", 1),
        party=service.world.party,
        broken=await _broken(service.world, span, asked),
    )


async def _broken(world: World, span: Range, asked: Mapping[str, str]) -> tuple[Bill, ...]:
    """Return the bills of the stretch whose sessions do not prove any more, so that their sums are not believed."""
    stations = None if not asked.get("station") else {await spelled(world, asked["station"])}
    found = []
    for one in await broken_sessions(world):
        bill = await bill_of(world, one.session)
        if bill is None or not span.from_ms <= bill.ended_ms < span.to_ms:
            continue
        site = await site_of(world, bill.station_id) if asked.get("site") else None
        if stations is not None and bill.station_id not in stations:
            continue
        if asked.get("site") and (site is None or site.id != asked["site"]):
            continue
        if asked.get("party") and bill.party != asked["party"]:
            continue
        found.append(bill)
    return tuple(found)


def _link(asked: Mapping[str, str], **changed: str) -> str:
    kept = {name: value for name, value in asked.items() if not changed or name not in {"from", "to", "range"}}
    query = {**kept, **changed}
    return f"/revenue?{urlencode(query)}" if query else "/revenue"


@get("/revenue.csv", security=[{}], include_in_schema=False, guards=[needs(*SCOPES)])
async def revenue_csv(request: Req, viewer: Looks, service: What) -> Response[str]:
    """Return the same figures as a table: a line of sessions a step, then a line a currency, grade and source."""
    asked = {name: request.query_params[name][:255] for name in FIELDS if request.query_params.get(name)}
    span = range_of(asked, viewer.zone, service.world.now_ms())
    told = await _revenue(service.world, viewer, span, asked)
    text = "".join(map(spreadsheet.row, (COLUMNS, *revenue_rows(told))))
    name = f"revenue-{span.first}-{span.last}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return Response(text, media_type=f"{CSV}; charset=utf-8; header=present", headers=headers)


async def _revenue(world: World, viewer: Viewer, span: Range, asked: Mapping[str, str]) -> Revenue:
    station = asked.get("station")
    query = RevenueQuery(
        from_ms=span.from_ms,
        to_ms=span.to_ms,
        zone=viewer.zone.key,
        step=span.step,
        stations=() if station is None else (await spelled(world, station),),
        sites=(asked["site"],) if "site" in asked else (),
        parties=(asked["party"],) if "party" in asked else (),
    )
    return await revenue(world, query)


async def _before(world: World, told: Revenue) -> tuple[Figures, ...]:
    """Return the steps of the stretch before, the one a bar is compared with at its place; none where it is empty."""
    if not told.before.sessions.total and not told.before.earned:
        return ()
    query = replace(told.query, from_ms=told.before.from_ms, to_ms=told.before.to_ms)
    return (await revenue(world, query)).steps


def _money(told: Revenue) -> list[Money]:
    """Return each currency of the stretch, and of the one before: what fell to nothing is told as nothing."""
    now, before = ({total.currency: total for total in stretch.totals} for stretch in (told.total, told.before))
    return [
        Money(
            now.get(currency, Total(currency, 0, 0, 0, 0, 0, 0, 0)),
            before[currency].net if currency in before else None,
            _proof([e for e in told.total.earned if e.currency == currency]),
        )
        for currency in sorted(now.keys() | before.keys())
    ]


def _proof(earned: Sequence[Earned]) -> Proof:
    """Return what a sum rests on: never better than the weakest that is in it."""
    standing = [line for line in earned if line.energy_wh or line.bills > line.reversed_bills]
    if not standing:
        return Proof(Grade.G0, Source.CSMS, None)
    grade = min(line.grade for line in standing)
    sources = {line.source for line in standing}
    source = Source.METER if sources == {Source.METER} else Source.STATION
    energy = sum((line.energy_wh for line in standing), Decimal(0))
    verified = sum((line.energy_wh for line in standing if line.is_verified), Decimal(0))
    return Proof(grade, source if Source.CSMS not in sources else Source.CSMS, verified / energy if energy else None)


def change(now: Decimal | float | None, before: Decimal | float | None) -> Decimal | None:
    """Return by which part a figure has grown, None where there was nothing to grow from."""
    if now is None or not before:
        return None
    return Decimal(str(now)) / Decimal(str(before)) - 1


def standing(step: Figures, currency: str) -> tuple[int, int]:
    """Return what stands of one currency in a stretch, before tax and with it, in minor units."""
    return next(((t.net, t.gross) for t in step.totals if t.currency == currency), (0, 0))


async def _choices(world: World) -> Choices:
    stations = await world.journal.documents(world.tenant, STATION, limit=MAX_OFFERED)
    sites = [read(one, Site) for one in await world.journal.documents(world.tenant, SITE, limit=MAX_OFFERED)]
    return Choices(
        stations=tuple(read(one, Station).id for one in stations),
        sites=tuple((site.id, site.name) for site in sites),
        cut=len(stations) == MAX_OFFERED,
    )


@dataclass(frozen=True, slots=True)
class FleetUptime:
    """The mean of the ports' uptime (AFIR) as a part of one, and how many ports; `many`: choose fewer stations."""

    share: Decimal | None = None
    ports: int = 0
    many: bool = False


async def _uptime(service: Service, viewer: Viewer, span: Range, asked: Mapping[str, str]) -> FleetUptime | None:
    if not viewer.may("stations:read"):
        return None
    world = service.world
    page = [read(one, Station) for one in await world.journal.documents(world.tenant, STATION, limit=MAX_OFFERED)]
    wanted = asked.get("station", "").casefold()
    chosen = [s for s in page if (not wanted or s.id.casefold() == wanted) and asked.get("site", s.site) == s.site]
    if len(chosen) > MAX_UPTIME:
        return FleetUptime(many=True)
    percents = [
        port.uptime.afir_percent
        for station in chosen
        for port in await station_uptime(world, station, span.from_ms, min(span.to_ms, world.now_ms()))
        if port.uptime.afir_percent is not None
    ]
    if not percents:
        return FleetUptime()
    return FleetUptime(sum(percents, Decimal(0)) / len(percents) / 100, len(percents))


ROUTES = (revenue_page, revenue_csv)
