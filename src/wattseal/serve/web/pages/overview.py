"""The first page: one glance at what is connected, charging, waiting and wrong."""

from dataclasses import dataclass

from litestar import Response, get

from wattseal.base.ids import StationId
from wattseal.flow.charges.reproof import broken_sessions
from wattseal.flow.charges.session_rows import SessionRow, SessionsWanted, session_page
from wattseal.flow.documents import ALARM, STATION, read
from wattseal.flow.listing import Wanted, latest
from wattseal.model.alarm import Alarm
from wattseal.model.rollup import SessionState
from wattseal.model.station import Station
from wattseal.rules.alarms import shown_to
from wattseal.serve.api.service import Service, What
from wattseal.serve.viewers import Viewer
from wattseal.serve.web.alarm_words import words_of
from wattseal.serve.web.pages.alarms import SEVERITIES
from wattseal.serve.web.pages.sessions import STATE_WORDS, scopes_of
from wattseal.serve.web.reasons import REASONS
from wattseal.serve.web.render import render
from wattseal.serve.web.session_list import seen_by
from wattseal.serve.web.viewer import Looks, Req

MOST = 1000
"""So many are counted; beyond it the page says "1000+"."""
SESSIONS, ALARMS = 8, 5
"""So many of the newest are shown."""


@dataclass(frozen=True, slots=True)
class Glance:
    """Counts; None where the viewer may not see them."""

    stations: str | None
    connected: str | None
    charging: str | None
    quarantined: str | None
    broken: str | None


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
        alarms=await _alarms(service, viewer) if viewer.may("alarms:read") else [],
        severities=SEVERITIES,
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
    world = service.world
    if viewer.may("stations:read"):
        found = await world.journal.documents(world.tenant, STATION, limit=MOST)
        stations = _count(len(found))
        connected = str(sum(service.link(StationId(read(one, Station).id)) is not None for one in found))
    if viewer.may("transactions:read"):
        counts = await world.journal.session_counts(world.tenant)
        charging = str(counts.get(SessionState.OPEN, 0))
        quarantined = str(counts.get(SessionState.QUARANTINED, 0))
        broken = _count(len(await broken_sessions(world, limit=MOST)))
    return Glance(stations, connected, charging, quarantined, broken)


def _count(number: int) -> str:
    return f"{number}+" if number >= MOST else str(number)


ROUTES = (overview,)
