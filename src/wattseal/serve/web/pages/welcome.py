"""The first steps: a station is enrolled, connects, and charges for a token at a price."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from litestar import Response, get, post

from wattseal.base.errors import InputError
from wattseal.flow.documents import STATION, TOKEN, read
from wattseal.flow.fleet.enrol import MAX_PASSWORD, MIN_PASSWORD, enrol_station, put_a_token
from wattseal.flow.money.tariff_changes import assign, set_tariff
from wattseal.flow.money.tariffs import tariff_book
from wattseal.model.station import Station
from wattseal.model.tariff_place import Level
from wattseal.model.token import IdToken, TokenRecord, TokenStatus
from wattseal.serve.api.service import Service, What
from wattseal.serve.viewers import Viewer
from wattseal.serve.web.forms import Form, gone_to, text_of
from wattseal.serve.web.guard import check_form
from wattseal.serve.web.pages.network import Words
from wattseal.serve.web.render import render
from wattseal.serve.web.states import CONNECTORS, now_of
from wattseal.serve.web.tariff_form import simple_tariff
from wattseal.serve.web.texts import marked as _
from wattseal.serve.web.viewer import Looks, Req, needs

READ, WRITE_STATIONS, WRITE_TOKENS, WRITE_TARIFFS = "stations:read", "stations:write", "tokens:write", "tariffs:write"
TARIFF = "standard"
"""The id of the tariff that the wizard makes."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What is there already: stations, tokens, a tariff for everything."""

    stations: bool
    tokens: bool
    tariff: bool


@get("/welcome", security=[{}], include_in_schema=False, guards=[needs(READ)])
async def welcome(request: Req, viewer: Looks, service: What, *, station: Words = "") -> Response[bytes]:
    """Show where one is; `station` is the one that is being waited for."""
    return await _page(request, viewer, service, station)


async def _page(
    request: Req,
    viewer: Viewer,
    service: Service,
    station_id: str,
    *,
    form: Mapping[str, str] | None = None,
    trouble: str = "",
) -> Response[bytes]:
    world = service.world
    document = await world.journal.document(world.tenant, STATION, station_id.casefold()) if station_id else None
    station = None if document is None else read(document, Station)
    return render(
        request,
        viewer,
        "welcome.html",
        status=422 if trouble else 200,
        party=world.party,
        origin=world.log_origin,
        progress=await _progress(service),
        station=station,
        now=None if station is None else now_of(service, station.id),
        addresses=() if station is None else addresses(request, service, station.id),
        suggestion=world.random.bytes(12).hex(),
        password=(MIN_PASSWORD, MAX_PASSWORD),
        connector_words=CONNECTORS,
        form=form or {},
        trouble=trouble,
        may={
            "stations": viewer.may(WRITE_STATIONS),
            "tokens": viewer.may(WRITE_TOKENS),
            "tariffs": viewer.may(WRITE_TARIFFS),
        },
    )


async def _progress(service: Service) -> Progress:
    world = service.world
    stations = await world.journal.documents(world.tenant, STATION, limit=1)
    tokens = await world.journal.documents(world.tenant, TOKEN, limit=1)
    book = await tariff_book(world)
    return Progress(bool(stations), bool(tokens), bool(book.assigned))


def addresses(request: Req, service: Service, station_id: str) -> tuple[str, ...]:
    """Return where a station dials, the encrypted one first, by the name this page was asked for by."""
    host = urlsplit(f"//{request.headers.get('host', '')}").hostname or "localhost"
    host = f"[{host}]" if ":" in host else host
    ports = service.ports
    found = [("wss", ports[name]) for name in ("wss", "mutual") if name in ports]
    found += [("ws", ports["ocpp"])] if "ocpp" in ports else []
    return tuple(f"{scheme}://{host}:{port}/ocpp/{quote(station_id, safe='*@=+')}" for scheme, port in found)


@post("/welcome/station", security=[{}], include_in_schema=False, guards=[needs(READ, WRITE_STATIONS)])
async def welcome_station(request: Req, viewer: Looks, service: What, data: Form) -> Response[Any]:
    """Enrol a station."""
    check_form(request, viewer, data)
    try:
        station_id = text_of(data, "id", 48, least=1)
        await _demand_new(service, STATION, station_id.casefold(), _("this station is enrolled already"))
        password = text_of(data, "password", MAX_PASSWORD, least=1).encode()
        made = await enrol_station(service.world, Station(id=station_id), password)
    except InputError as error:
        return await _page(request, viewer, service, "", form=data, trouble=str(error))
    return gone_to("/welcome", station=made.id)


async def _demand_new(service: Service, kind: str, key: str, text: str) -> None:
    """Go on only with what is not enrolled: a first step changes nothing that is there."""
    if await service.world.journal.document(service.world.tenant, kind, key) is not None:
        raise InputError(text, code="enrolled_already", subject="id")


@post("/welcome/token", security=[{}], include_in_schema=False, guards=[needs(READ, WRITE_TOKENS)])
async def welcome_token(request: Req, viewer: Looks, service: What, data: Form) -> Response[Any]:
    """Enrol a token that this CPO accepts."""
    check_form(request, viewer, data)
    station = data.get("station", "")
    try:
        token = IdToken(text_of(data, "id_token", 36, least=1), "ISO14443")
        await _demand_new(service, TOKEN, token.key(), _("this token is enrolled already"))
        await put_a_token(service.world, TokenRecord(token, TokenStatus.ACCEPTED))
    except InputError as error:
        return await _page(request, viewer, service, station, form=data, trouble=str(error))
    return gone_to("/welcome", station=station)


@post("/welcome/tariff", security=[{}], include_in_schema=False, guards=[needs(READ, WRITE_TARIFFS)])
async def welcome_tariff(request: Req, viewer: Looks, service: What, data: Form) -> Response[Any]:
    """Sign a price for each kWh, for every station that has no other."""
    check_form(request, viewer, data)
    station = data.get("station", "")
    try:
        tariff = simple_tariff({**data, "id": TARIFF}, service.world.party, service.world.now_ms())
        kept = await set_tariff(service.world, tariff)
        await assign(service.world, Level.CPO, "", kept.tariff_id)
    except InputError as error:
        return await _page(request, viewer, service, station, form=data, trouble=str(error))
    return gone_to("/welcome", station=station)


ROUTES = (welcome, welcome_station, welcome_token, welcome_tariff)
