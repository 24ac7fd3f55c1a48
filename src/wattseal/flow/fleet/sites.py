"""Sites as documents, and which one a station stands on."""

from zoneinfo import ZoneInfo

from wattseal.base.errors import InputError
from wattseal.base.ids import StationId
from wattseal.flow.documents import STATION, every_document, put, read, removal
from wattseal.flow.money.tariffs import place_key, tariff_book
from wattseal.flow.ports import Batch
from wattseal.flow.world import World
from wattseal.model.site import Site
from wattseal.model.station import Station
from wattseal.model.tariff_place import Level

SITE = "site"


async def put_site(world: World, site: Site) -> None:
    """Keep a site, new or changed; `InputError` where its time zone is none."""
    try:
        ZoneInfo(site.time_zone)
    except (ValueError, OSError, KeyError) as error:
        text = "there is no such time zone; give an IANA name such as Europe/Berlin"
        raise InputError(text, code="bad_time_zone", subject="time_zone") from error
    document = put(SITE, site.id, site, world.now_ms())
    await world.journal.commit(Batch(world.tenant, puts=(document,)))


async def site_by_id(world: World, site_id: str) -> Site | None:
    """Return a site."""
    document = await world.journal.document(world.tenant, SITE, site_id)
    return None if document is None else read(document, Site)


async def site_of(world: World, station_id: str) -> Site | None:
    """Return the site a station stands on; None where none is enrolled."""
    document = await world.journal.document(world.tenant, STATION, station_id.casefold())
    station = None if document is None else read(document, Station)
    return None if station is None or station.site is None else await site_by_id(world, station.site)


async def remove_site(world: World, site_id: str) -> bool:
    """Forget a site without stations and tariffs (else `site_in_use`); false where there is none."""
    if await site_by_id(world, site_id) is None:
        return False
    async for document in every_document(world.journal, world.tenant, STATION):
        if read(document, Station).site == site_id:
            text = f"station {StationId(read(document, Station).id)} stands on it; move that first"
            raise InputError(text, code="site_in_use", subject="id")
    if place_key(Level.SITE, site_id) in (await tariff_book(world)).assigned:
        text = "a tariff is assigned to it; take that away first"
        raise InputError(text, code="site_in_use", subject="id")
    await world.journal.commit(Batch(world.tenant, puts=(removal(SITE, site_id, world.now_ms()),)))
    return True
