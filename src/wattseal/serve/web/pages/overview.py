"""The first page: one glance at what is connected, charging, waiting and wrong."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from litestar import Response, get

from wattseal.flow.charges.reproof import broken_sessions
from wattseal.flow.charges.session_rows import SessionRow, SessionsWanted, session_page
from wattseal.flow.documents import ALARM
from wattseal.flow.listing import Wanted, latest
from wattseal.flow.revenue import revenue
from wattseal.model.alarm import Alarm
from wattseal.model.revenue import Figures, RevenueQuery, StepSize
from wattseal.model.rollup import SessionState
from wattseal.rules.alarms import shown_to
from wattseal.serve.api.service import Service, What
from wattseal.serve.viewers import Viewer
from wattseal.serve.web.alarm_words import words_of
from wattseal.serve.web.chart import Chart
from wattseal.serve.web.formats import Formats
from wattseal.serve.web.money_charts import billed_wh, energy_chart, money_charts
from wattseal.serve.web.pages.alarms import SEVERITIES
from wattseal.serve.web.pages.log import cosigned
from wattseal.serve.web.pages.network import MOST as MOST_STATIONS
from wattseal.serve.web.pages.network import fleet
from wattseal.serve.web.pages.sessions import STATE_WORDS, scopes_of
from wattseal.serve.web.range import midnight_ms
from wattseal.serve.web.reasons import REASONS
from wattseal.serve.web.render import render
from wattseal.serve.web.session_list import seen_by
from wattseal.serve.web.states import SIGNS, WORDS, State
from wattseal.serve.web.viewer import Looks, Req

MOST = 1000
"""So many are counted; beyond it the page says "1000+"."""
SESSIONS, ALARMS = 8, 5
"""So many of the newest are shown."""
DAYS = 14
"""So many days are drawn, today the last of them."""


@dataclass(frozen=True, slots=True)
class Glance:
    """Counts; None where the viewer may not see them. `states` are those of the stations."""

    stations: str | None
    states: Mapping[State, int]
    connected: str | None
    charging: str | None
    quarantined: str | None
    broken: str | None


@dataclass(frozen=True, slots=True)
class Trade:
    """The latest days: today's and yesterday's figures, money and energy by day, and which part is verified."""

    today: Figures
    yesterday: Figures
    charts: tuple[tuple[str, Chart], ...]
    energy: Chart
    share: Decimal | None


@get("/", security=[{}], include_in_schema=False)
async def overview(request: Req, viewer: Looks, service: What) -> Response[bytes]:
    """Show it."""
    rows: list[SessionRow] = []
    if viewer.may("transactions:read"):
        rows, _ = await session_page(service.world, service.proofs, SessionsWanted(), seen_by(viewer), SESSIONS)
    return render(
        request,
        viewer,
        "overview.html",
        glance=await _glance(service, viewer),
        log=await cosigned(service),
        trade=await _trade(service, viewer),
        billed=billed_wh,
        alarms=await _alarms(service, viewer) if viewer.may("alarms:read") else [],
        severities=SEVERITIES,
        station_states=WORDS,
        signs=SIGNS,
        rows=rows,
        states=STATE_WORDS,
        reasons=REASONS,
        **scopes_of(viewer),
    )


async def _alarms(service: Service, viewer: Viewer) -> list[tuple[Alarm, str]]:
    """Return the newest alarms that wait for somebody, with what each says."""
    found, _ = await latest(service.world, ALARM, Alarm, Wanted(limit=ALARMS, active=True), None)
    found.sort(key=lambda one: one.last_ms or one.at_ms, reverse=True)
    reads = viewer.may("energy:read")
    return [(shown_to(one, reads_energy=reads), words_of(one.code)) for one in found]


async def _glance(service: Service, viewer: Viewer) -> Glance:
    stations = connected = charging = quarantined = broken = None
    states: Mapping[State, int] = {}
    world = service.world
    if viewer.may("stations:read"):
        found, more = await fleet(service)
        stations = _count(len(found), MOST_STATIONS if more else None)
        connected = str(sum(seen.now.link is not None for seen in found))
        states = Counter(seen.now.state for seen in found)
    if viewer.may("transactions:read"):
        counts = await world.journal.session_counts(world.tenant)
        charging = str(counts.get(SessionState.OPEN, 0))
        quarantined = str(counts.get(SessionState.QUARANTINED, 0))
        broken = _count(len(await broken_sessions(world, limit=MOST)), MOST)
    return Glance(stations, states, connected, charging, quarantined, broken)


async def _trade(service: Service, viewer: Viewer) -> Trade | None:
    """Return what the latest days brought, None for who may not see money or energy, and while there was nothing."""
    if not viewer.may("bills:read", "energy:read"):
        return None
    world = service.world
    today = datetime.fromtimestamp(world.now_ms() / 1000, UTC).astimezone(viewer.zone).date()
    begin, end = (midnight_ms(today + timedelta(days=days), viewer.zone) for days in (1 - DAYS, 1))
    told = await revenue(world, RevenueQuery(from_ms=begin, to_ms=end, zone=viewer.zone.key, step=StepSize.DAY))
    if not told.total.sessions.total and not told.total.earned:
        return None
    fmt = Formats(viewer.language, viewer.zone)
    billed = billed_wh(told.total)
    return Trade(
        today=told.steps[-1],
        yesterday=told.steps[-2],
        charts=tuple(money_charts(told, (), fmt)),
        energy=energy_chart(told, (), fmt),
        share=told.total.verified_wh / billed if billed else None,
    )


def _count(number: int, most: int | None) -> str:
    return f"{number}+" if most is not None and number >= most else str(number)


ROUTES = (overview,)
