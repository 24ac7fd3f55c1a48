"""A station: what it does now, who charges at it, what it is, and how it has been."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from litestar import Response, get
from litestar.params import FromPath

from wattseal.base.ids import StationId
from wattseal.flow.documents import ALARM, STATION, read
from wattseal.flow.drivers.known_tokens import find_list
from wattseal.flow.drivers.list_keeper import is_stale
from wattseal.flow.drivers.reservations import list_reservations
from wattseal.flow.fleet.sites import site_of
from wattseal.flow.fleet.uptime import PortUptime, station_uptime
from wattseal.flow.listing import Wanted, latest
from wattseal.flow.live import Live
from wattseal.flow.stations.availability import connectors, service_orders
from wattseal.model.alarm import Alarm
from wattseal.model.connector import ConnectorState, ServiceOrder
from wattseal.model.local_list import ListPolicy, ListStatus
from wattseal.model.reservation import Reservation
from wattseal.model.station import EvseEnrolment, Station
from wattseal.rules.alarms import shown_to
from wattseal.rules.clock_drift import drift_ms
from wattseal.serve.api.problems import ProblemError
from wattseal.serve.api.service import Service, What
from wattseal.serve.viewers import Viewer
from wattseal.serve.web.alarm_words import advice_of, words_of
from wattseal.serve.web.render import render
from wattseal.serve.web.states import CONNECTORS, SIGNS, WORDS, mean_power_w, now_of, power_w
from wattseal.serve.web.texts import marked as _
from wattseal.serve.web.viewer import Looks, Req, needs

READ = "stations:read"
UPTIME_DAYS = 30
LATEST = 5
TABS = (
    ("", _("Overview"), ()),
    ("/commands", _("Commands"), ("commands:read",)),
    ("/frames", _("Messages"), ("frames:read",)),
    ("/charging", _("Charging limits"), ("charging:read",)),
    ("/security", _("Certificates"), ()),
    ("/device", _("Device model"), ()),
)
"""Pages of a station: where, what they are called, what they need beside `stations:read`."""


LIST_WORDS: Mapping[ListStatus, str] = {
    ListStatus.UNSENT: _("not sent yet"),
    ListStatus.CURRENT: _("as it should be"),
    ListStatus.INCOMPLETE: _("not taken whole"),
    ListStatus.UNSUPPORTED: _("the station knows no lists"),
}


@dataclass(frozen=True, slots=True)
class HeldList:
    """A station's local list: how it stands in words, its tokens, when it was last known to be fresh."""

    status: str
    tokens: int
    fresh_ms: int | None
    stale: bool


@dataclass(frozen=True, slots=True)
class EvseRow:
    """One EVSE: as enrolled, its connectors as last told, what was last asked of its service, its open session."""

    id: int
    enrolled: EvseEnrolment | None
    connectors: tuple[ConnectorState, ...]
    orders: tuple[ServiceOrder, ...]
    live: Live | None


async def find_station(service: Service, station_id: str) -> Station:
    """Return a station by its id, however its letters are cased; a problem (404) where there is none."""
    document = await service.world.journal.document(service.world.tenant, STATION, station_id[:64].casefold())
    if document is None:
        raise ProblemError(404, "not_found", _("there is no such station"))
    return read(document, Station)


def render_station(
    request: Req, viewer: Viewer, service: Service, station: Station, template: str, *, status: int = 200, **values: Any
) -> Response[bytes]:
    """Return one of a station's pages, with its name, its state and the ways to the others."""
    return render(
        request,
        viewer,
        template,
        status=status,
        station=station,
        now=now_of(service, station.id),
        tabs=[(path, name) for path, name, scopes in TABS if viewer.may(*scopes)],
        states=WORDS,
        signs=SIGNS,
        connector_words=CONNECTORS,
        **values,
    )


@get("/stations/{station_id:str}", security=[{}], include_in_schema=False, guards=[needs(READ)])
async def station(request: Req, viewer: Looks, service: What, station_id: FromPath[str]) -> Response[bytes]:
    """Show it."""
    found = await find_station(service, station_id)
    world = service.world
    memory = world.stations.get(StationId(found.id))
    reservations: tuple[Reservation, ...] = ()
    alarms: list[Alarm] = []
    if viewer.may("reservations:read"):
        page = await list_reservations(world, station_id=found.id, active=True, after="", limit=20)
        reservations = tuple(one for _key, one in page)
    if viewer.may("alarms:read"):
        alarms, _more = await latest(world, ALARM, Alarm, Wanted(limit=LATEST, station_id=found.id))
        alarms = [shown_to(one, reads_energy=viewer.may("energy:read")) for one in alarms]
    return render_station(
        request,
        viewer,
        service,
        found,
        "station.html",
        site=await site_of(world, found.id),
        evses=await _evses(service, found),
        drift=None if memory is None else drift_ms(memory.clock),
        uptime=await _uptime(service, found),
        uptime_days=UPTIME_DAYS,
        reservations=reservations,
        alarms=alarms,
        words=words_of,
        advice=advice_of,
        power=power_w,
        mean_power=mean_power_w,
        sees_sessions=viewer.may("transactions:read"),
        sees_energy=viewer.may("transactions:read", "energy:read"),
        sees_tokens=viewer.may("tokens:read"),
        sees_address=viewer.may("stations:write"),
        sees_alarms=viewer.may("alarms:read"),
        sees_reservations=viewer.may("reservations:read"),
        held=await _held(service, found) if viewer.may("local-lists:read") else None,
    )


async def _held(service: Service, found: Station) -> HeldList | None:
    """Return how its local list stands; None where it has none."""
    known = await find_list(service.world, found.id)
    if known.policy is ListPolicy.NONE:
        return None
    status = LIST_WORDS[known.status]
    unsupported = known.status is ListStatus.UNSUPPORTED
    stale = not unsupported and is_stale(service.world, known.since_ms)
    return HeldList(status, len(known.held), known.fresh_ms or None, stale=stale)


async def _evses(service: Service, found: Station) -> list[EvseRow]:
    world, station_id = service.world, StationId(found.id)
    told = await connectors(world, station_id)
    orders = await service_orders(world, station_id)
    live: Mapping[int, Live] = now_of(service, found.id).live
    numbers = sorted({*(e.id for e in found.evses), *(c.evse_id for c in told), *(o.evse_id for o in orders), *live})
    return [
        EvseRow(
            number,
            found.evse(number),
            tuple(one for one in told if one.evse_id == number),
            tuple(one for one in orders if one.evse_id == number),
            live.get(number),
        )
        for number in numbers
    ]


async def _uptime(service: Service, found: Station) -> tuple[PortUptime, ...]:
    now = service.world.clock.now()
    begin = now - timedelta(days=UPTIME_DAYS)
    begin_ms, end_ms = (int(at.timestamp() * 1000) for at in (begin, now))
    return await station_uptime(service.world, found, begin_ms, end_ms)


ROUTES = (station,)
