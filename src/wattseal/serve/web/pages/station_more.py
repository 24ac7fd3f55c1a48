"""A station's certificates and security events, its charging limits, and its device model."""

from collections.abc import Mapping
from datetime import UTC
from decimal import Decimal

from litestar import Response, get
from litestar.params import FromPath

from wattseal.base.ids import StationId
from wattseal.flow.documents import read
from wattseal.flow.history import prefix
from wattseal.flow.identity.certificates import INSTALLED, Installed
from wattseal.flow.identity.station_certificates import OWN, REQUEST, SigningState, StationCertificate
from wattseal.flow.limits.fallback import FALLBACK, KeptFallback, Standing
from wattseal.flow.limits.store import LIMIT, PROFILE, KeptLimit, KeptProfile
from wattseal.flow.limits.views import our_schedule
from wattseal.flow.stations.device_model import COMPONENT
from wattseal.flow.stations.security_events import SECURITY_EVENT, SecurityEvent
from wattseal.flow.turn import remember_station
from wattseal.model.charging import Composite, Period, RateUnit, Schedule
from wattseal.model.device import KeptComponent
from wattseal.model.station import Station
from wattseal.serve.api.service import Service, ShortQuery, What
from wattseal.serve.web.pages.network import Words
from wattseal.serve.web.pages.station import READ, find_station, render_station
from wattseal.serve.web.texts import marked as _
from wattseal.serve.web.viewer import Looks, Req, needs

EVENTS, COMPONENTS = 50, 40
SCANNED = 1000
"""Components looked at for a search: a station keeps no more."""
DAY_S = 86_400


@get("/stations/{station_id:str}/security", security=[{}], include_in_schema=False, guards=[needs(READ)])
async def station_security(
    request: Req, viewer: Looks, service: What, station_id: FromPath[str], *, after: ShortQuery = None
) -> Response[bytes]:
    """Show with what it proves who it is, what is installed in it, and its security events, newest first."""
    found = await find_station(service, station_id)
    world, named = service.world, StationId(found.id)
    journal, tenant = world.journal, world.tenant
    own = await journal.documents(tenant, OWN, station_id=named)
    requests = await journal.documents(tenant, REQUEST, station_id=named)
    document = await journal.document(tenant, INSTALLED, named.casefold())
    page = await journal.documents(
        tenant, SECURITY_EVENT, station_id=named, after=after or "", limit=EVENTS, newest=True
    )
    return render_station(
        request,
        viewer,
        service,
        found,
        "station_security.html",
        certificates=[read(one, StationCertificate) for one in own],
        requests=[read(one, SigningState) for one in requests],
        installed=Installed(named) if document is None else read(document, Installed),
        events=[read(one, SecurityEvent) for one in page],
        following=f"{request.url.path}?after={page[-1].key}" if len(page) == EVENTS else None,
        now_ms=world.now_ms(),
    )


@get(
    "/stations/{station_id:str}/charging", security=[{}], include_in_schema=False, guards=[needs(READ, "charging:read")]
)
async def station_charging(request: Req, viewer: Looks, service: What, station_id: FromPath[str]) -> Response[bytes]:
    """Show its profiles, the limits from outside, and what they come to in the next day."""
    found = await find_station(service, station_id)
    world, named = service.world, StationId(found.id)
    profiles = await world.journal.documents(world.tenant, PROFILE, station_id=named, active=True, limit=200)
    limits = await world.journal.documents(world.tenant, LIMIT, station_id=named, active=True)
    fallbacks = await world.journal.documents(world.tenant, FALLBACK, station_id=named)
    return render_station(
        request,
        viewer,
        service,
        found,
        "station_charging.html",
        profiles=[read(one, KeptProfile) for one in profiles],
        limits=[read(one, KeptLimit) for one in limits],
        fallbacks=[read(one, KeptFallback) for one in fallbacks],
        standings=STANDINGS,
        composite=await _composite(service, found),
        steps=steps,
    )


STANDINGS: Mapping[Standing, str] = {
    Standing.HOLDS: _("holds, by the station's own schedule"),
    Standing.INSTALLED: _("taken by the station"),
    Standing.DIFFERS: _("the station's schedule allows more"),
    Standing.REFUSED: _("refused by the station"),
    Standing.NO_LEVEL: _("no stack level is left beneath the limit"),
    Standing.LIFTED: _("taken away"),
}


async def _composite(service: Service, found: Station) -> Composite | None:
    memory = await remember_station(service.world, StationId(found.id))
    return None if memory is None else await our_schedule(service.world, memory, 0, DAY_S, RateUnit.A)


def steps(schedule: Schedule | Composite) -> list[tuple[int | None, int, Decimal | None, str]]:
    """Return a schedule's steps: when each begins (Unix ms, None where not fixed), after which s, limit, unit."""
    start = schedule.start
    start_ms = None if start is None else int(start.astimezone(UTC).timestamp() * 1000)
    return [_step(start_ms, period, schedule.unit) for period in schedule.periods]


def _step(start_ms: int | None, period: Period, unit: RateUnit) -> tuple[int | None, int, Decimal | None, str]:
    at_ms = None if start_ms is None else start_ms + period.start_s * 1000
    return at_ms, period.start_s, period.limit, unit.value


@get("/stations/{station_id:str}/device", security=[{}], include_in_schema=False, guards=[needs(READ)])
async def station_device(
    request: Req, viewer: Looks, service: What, station_id: FromPath[str], *, q: Words = "", after: ShortQuery = None
) -> Response[bytes]:
    """Show what it tells of its components and variables (1.6: its configuration)."""
    found = await find_station(service, station_id)
    world = service.world
    page = await world.journal.documents(
        world.tenant,
        COMPONENT,
        station_id=StationId(found.id),
        after=max(after or "", prefix(found.id)),
        limit=SCANNED if q else COMPONENTS,
    )
    kept = [read(one, KeptComponent) for one in page]
    return render_station(
        request,
        viewer,
        service,
        found,
        "station_device.html",
        q=q,
        components=[shown for one in kept if (shown := _matching(one, q.casefold())) is not None],
        following=f"{request.url.path}?after={page[-1].key}" if not q and len(page) == COMPONENTS else None,
    )


def _matching(kept: KeptComponent, q: str) -> KeptComponent | None:
    """Return a component with the variables that a search finds; None where it finds none."""
    if not q or q in kept.component.name.casefold():
        return kept
    variables = tuple(one for one in kept.variables if q in one.name.casefold())
    return KeptComponent(kept.station_id, kept.component, variables) if variables else None


ROUTES = (station_security, station_charging, station_device)
