"""What a tariff may be assigned to: places that exist, by their canonical names."""

from dataclasses import replace

from wattseal.base.errors import InputError
from wattseal.bundle.tariff_place import MAX_STATIONS
from wattseal.flow.documents import STATION, TOKEN, every_document, read
from wattseal.flow.fleet.sites import site_by_id
from wattseal.flow.money.accounts import account_of
from wattseal.flow.world import World
from wattseal.model.station import Station
from wattseal.model.tariff_place import Level, TariffPlace
from wattseal.model.token import TokenRecord, canonical


def canonical_name(level: Level, name: str) -> str:
    """Return what a place is kept under: ids of stations, tokens and groups are compared without case."""
    match level:
        case Level.TOKEN | Level.GROUP:
            return canonical(name)
        case Level.STATION:
            return name.casefold()
        case Level.SITE | Level.CPO:
            return name


async def known_place(world: World, place: TariffPlace, currency: str) -> TariffPlace:
    """Return the place in its canonical form; `InputError` where there is none such, or its money is another."""
    name = canonical_name(place.level, place.name)
    if bool(name) == (place.level is Level.CPO):
        text = "the level cpo has no name, all others have one"
        raise InputError(text, code="bad_place", subject="name")
    match place.level:
        case Level.STATION:
            if await world.journal.document(world.tenant, STATION, name) is None:
                raise InputError("there is no such station; enrol it first", code="no_such_station", subject="name")
        case Level.SITE:
            if await site_by_id(world, name) is None:
                raise InputError("there is no such site; put it first", code="no_such_site", subject="name")
            return replace(place, stations=await _stations_of(world, name))
        case Level.TOKEN:
            await _check_token(world, name, currency)
        case Level.GROUP | Level.CPO:
            pass
    return replace(place, name=name)


async def _check_token(world: World, key: str, currency: str) -> None:
    document = await world.journal.document(world.tenant, TOKEN, key)
    if document is None:
        raise InputError("there is no such token; enrol it first", code="no_such_token", subject="name")
    token = read(document, TokenRecord)
    if token.party is not None:
        text = "its eMSP decides on it, under what is assigned to stations, sites and the CPO; assign to those"
        raise InputError(text, code="token_of_party", subject="name")
    account = None if token.account is None else await account_of(world, token.account)
    if account is not None and account.currency != currency:
        text = f"the account that pays for it is in {account.currency}, the tariff in {currency}; currencies never mix"
        raise InputError(text, code="other_currency", subject="tariff_id")


async def _stations_of(world: World, site: str) -> tuple[str, ...]:
    found = [
        station.id
        async for document in every_document(world.journal, world.tenant, STATION)
        if (station := read(document, Station)).site == site
    ]
    if len(found) > MAX_STATIONS:
        text = f"a site with a tariff of its own has at most {MAX_STATIONS} stations; make several"
        raise InputError(text, code="site_too_large", subject="name")
    return tuple(sorted(found))
