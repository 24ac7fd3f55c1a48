"""The network: a map of the sites and a list of the stations, both as they are at this moment."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from litestar import Response, get
from litestar.params import QueryParameter

from wattseal.flow.documents import STATION, every_document, read
from wattseal.flow.fleet.sites import SITE
from wattseal.flow.world import World
from wattseal.model.site import Site
from wattseal.model.station import Station
from wattseal.serve.api.service import Service, ShortQuery, What
from wattseal.serve.web.outline import outline
from wattseal.serve.web.render import render
from wattseal.serve.web.states import CONNECTORS, SIGNS, WORDS, Now, State, now_of
from wattseal.serve.web.viewer import Looks, Req, needs
from wattseal.serve.web.world_map import HEIGHT, MAX_ZOOM, WIDTH, Spot, View, clamped, fitted, parsed, spots

PAGE = 50
MOST = 5000
"""So many stations are looked at; of more the page says that it shows the first ones."""
MAX_WORDS = 100
Words = Annotated[str, QueryParameter(max_length=MAX_WORDS)]


@dataclass(frozen=True, slots=True)
class Seen:
    """A station as the page shows it."""

    station: Station
    site: Site | None
    now: Now

    def fits(self, words: Sequence[str], state: str, site: str) -> bool:
        """Return whether it is asked for: every word is in something it is called by."""
        if state and self.now.state != state:
            return False
        if site and self.station.site != site:
            return False
        told = (self.station.id, self.station.vendor, self.station.model, self.station.serial, self.station.site)
        named = () if self.site is None else (self.site.name, self.site.city, self.site.address)
        text = " ".join(name for name in (*told, *named) if name).casefold()
        return all(word in text for word in words)


@dataclass(frozen=True, slots=True)
class Mark:
    """What the map shows at one place: its sites, how many stations of each state, where a click leads."""

    x: float
    y: float
    names: tuple[str, ...]
    stations: int
    states: Mapping[State, int]
    href: str

    @property
    def worst(self) -> State:
        """The state that needs somebody most."""
        return next((state for state in WORDS if self.states.get(state)), State.AVAILABLE)

    @property
    def name(self) -> str:
        """What stands there, in a few words."""
        return self.names[0] if len(self.names) == 1 else f"{self.names[0]} +{len(self.names) - 1}"


@dataclass(frozen=True, slots=True)
class Asked:
    """The filters of the address."""

    q: str
    status: str
    site: str
    at: str

    def href(self, **changed: str) -> str:
        """Return the address of the page with some of them changed."""
        query = {"q": self.q, "status": self.status, "site": self.site, "at": self.at} | changed
        kept = {name: value for name, value in query.items() if value}
        return "/network" + (f"?{urlencode(kept)}" if kept else "")


@get("/network", security=[{}], include_in_schema=False, guards=[needs("stations:read")])
async def network(
    request: Req,
    viewer: Looks,
    service: What,
    *,
    q: Words = "",
    status: Words = "",
    site: Words = "",
    at: Words = "",
    after: ShortQuery = None,
) -> Response[bytes]:
    """Show it."""
    asked = Asked(q, status, site, at)
    everything, more = await fleet(service)
    found = [seen for seen in everything if seen.fits(q.casefold().split(), status, site)]
    rest = [seen for seen in found if seen.station.id.casefold() > (after or "")]
    placed = [one for one in found if one.site is not None]
    view = parsed(at) or fitted([(float(s.latitude), float(s.longitude)) for s in _sites(placed)])
    return render(
        request,
        viewer,
        "network.html",
        asked=asked,
        counts=Counter(seen.now.state for seen in everything),
        total=len(everything),
        more=more,
        sites=sorted({one.site.id: one.site.name for one in everything if one.site is not None}.items()),
        found=len(found),
        homeless=len(found) - len(placed),
        rows=rest[:PAGE],
        following=asked.href(after=rest[PAGE - 1].station.id.casefold()) if len(rest) > PAGE else None,
        view=view,
        moves=_moves(view, asked),
        outline=outline(view.bounds, view.zoom),
        marks=_marks(view, placed, asked),
        size=(WIDTH, HEIGHT),
        states=WORDS,
        signs=SIGNS,
        connectors=CONNECTORS,
    )


async def fleet(service: Service) -> tuple[list[Seen], bool]:
    """Return every station in the order of ids with its site and what it does now, and whether there are more."""
    world = service.world
    sites = await sites_of(world)
    found: list[Seen] = []
    async for document in every_document(world.journal, world.tenant, STATION):
        station = read(document, Station)
        if station.successor is not None:
            continue
        if len(found) == MOST:
            return found, True
        found.append(Seen(station, sites.get(station.site or ""), now_of(service, station.id)))
    return found, False


async def sites_of(world: World) -> dict[str, Site]:
    """Return all sites by their ids."""
    return {document.key: read(document, Site) async for document in every_document(world.journal, world.tenant, SITE)}


def _sites(placed: Iterable[Seen]) -> list[Site]:
    return list({one.site.id: one.site for one in placed if one.site is not None}.values())


def _moves(view: View, asked: Asked) -> dict[str, str | None]:
    """Return where the map's own links lead; None where there is no further."""
    return {
        "nearer": asked.href(at=view.moved(nearer=1).text()) if view.zoom < MAX_ZOOM else None,
        "farther": asked.href(at=view.moved(nearer=-1).text()) if view.zoom else None,
        "west": asked.href(at=view.moved(east=-1).text()),
        "east": asked.href(at=view.moved(east=1).text()),
        "north": asked.href(at=view.moved(north=1).text()),
        "south": asked.href(at=view.moved(north=-1).text()),
        "all": asked.href(at=""),
    }


def _marks(view: View, placed: Sequence[Seen], asked: Asked) -> list[Mark]:
    at_site: dict[str, list[Seen]] = {}
    for one in placed:
        at_site.setdefault(one.station.site or "", []).append(one)
    points = ((float(s.latitude), float(s.longitude), s) for s in _sites(placed))
    return [_mark(spot, at_site, view, asked) for spot in spots(view, points)]


def _mark(spot: Spot[Site], at_site: Mapping[str, Sequence[Seen]], view: View, asked: Asked) -> Mark:
    states = Counter(seen.now.state for site in spot.members for seen in at_site[site.id])
    alone = len(spot.members) == 1
    if alone or view.zoom >= MAX_ZOOM:
        href = asked.href(site=spot.members[0].id if alone else "", at=view.text())
    else:
        href = asked.href(at=clamped(spot.latitude, spot.longitude, view.zoom + 2).text())
    names = tuple(site.name for site in spot.members)
    return Mark(round(spot.x, 1), round(spot.y, 1), names, states.total(), states, href)


ROUTES = (network,)
