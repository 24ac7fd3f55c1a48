"""What stations do for the grid and sell: controls, signals, battery swaps, payments and tariffs they price by."""

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, JSONBody

from wattseal.base.ids import StationId
from wattseal.flow import commands
from wattseal.flow.charges.payments import PAYMENT, WEB_PAYMENT, Payment, WebPayment
from wattseal.flow.documents import read
from wattseal.flow.limits.batteries import SWAP, Swap
from wattseal.flow.limits.der import CONTROL, GRID_EVENT, SIGNAL, TRANSFER, Control, GridEvent, Signal, Transfer
from wattseal.flow.limits.station_tariffs import STATION_TARIFF, StationTariff, ours
from wattseal.model.message import Asked
from wattseal.serve.api.bodies import Body
from wattseal.serve.api.commands import answered
from wattseal.serve.api.paging import paged
from wattseal.serve.api.problems import Req, demand
from wattseal.serve.api.service import Limit, Service, ShortQuery, What, Who
from wattseal.wire.ocpp.tariffs import lower_tariff

READ = "stations:read"
READ_TOKENS, READ_ENERGY = "tokens:read", "energy:read"


class TariffBody(Body, frozen=True, kw_only=True):
    """`POST /api/v1/stations/{id}/tariff`: where to install the tariff that applies there; EVSE 0 is all of them.

    With `transaction_id` it becomes that transaction's instead.
    """

    evse_id: Annotated[int, msgspec.Meta(ge=0, le=9999)] = 0
    transaction_id: Annotated[str, msgspec.Meta(min_length=1, max_length=36)] | None = None


@get("/stations/{station_id:str}/grid")
async def get_grid(principal: Who, service: What, station_id: FromPath[str]) -> dict[str, Any]:
    """Show a station's grid support (OCPP 2.1): controls in force, faults that last, transfer allowed, last signal."""
    demand(principal, READ)
    memory = await commands.find_station(service.world, StationId(station_id))
    found = StationId(memory.station.id)
    return {
        "station_id": memory.station.id,
        "controls": await _all(service, found, CONTROL, Control, active=True),
        "faults": await _all(service, found, GRID_EVENT, GridEvent, active=True),
        "energy_transfer": await _all(service, found, TRANSFER, Transfer),
        "signals": await _all(service, found, SIGNAL, Signal),
    }


@get("/stations/{station_id:str}/battery-swaps")
async def get_swaps(
    principal: Who,
    service: What,
    request: Req,
    station_id: FromPath[str],
    *,
    limit: Limit = 100,
    after: ShortQuery = None,
) -> Response[list[dict[str, Any]]]:
    """List a station's battery swaps by request id; whose they were is for those who may read tokens."""
    demand(principal, "transactions:read")
    memory = await commands.find_station(service.world, StationId(station_id))
    hidden = () if principal.may(READ_TOKENS) else ("id_token",)
    return await _page(service, request, _Listed(StationId(memory.station.id), SWAP, Swap, hidden), limit, after)


@get("/stations/{station_id:str}/payments")
async def get_payments(
    principal: Who,
    service: What,
    request: Req,
    station_id: FromPath[str],
    *,
    limit: Limit = 100,
    after: ShortQuery = None,
) -> Response[list[dict[str, Any]]]:
    """List what a station's payment terminal said of payments; amounts and customers are for those who read energy."""
    demand(principal, "transactions:read")
    memory = await commands.find_station(service.world, StationId(station_id))
    hidden = () if principal.may(READ_ENERGY) else ("content",)
    return await _page(service, request, _Listed(StationId(memory.station.id), PAYMENT, Payment, hidden), limit, after)


@get("/stations/{station_id:str}/tariffs")
async def get_station_tariffs(principal: Who, service: What, station_id: FromPath[str]) -> dict[str, Any]:
    """Show the tariffs a station prices by itself (OCPP 2.1), and EVSEs kept for a driver who pays on the web."""
    demand(principal, READ)
    memory = await commands.find_station(service.world, StationId(station_id))
    found = StationId(memory.station.id)
    return {
        "station_id": memory.station.id,
        "tariffs": await _all(service, found, STATION_TARIFF, StationTariff, active=True),
        "web_payments": await _all(service, found, WEB_PAYMENT, WebPayment),
    }


@post("/stations/{station_id:str}/tariff", status_code=200)
async def post_station_tariff(
    principal: Who, service: What, station_id: FromPath[str], data: JSONBody[TariffBody]
) -> dict[str, Any]:
    """Install the tariff that applies at a station (OCPP 2.1), as its default or for one transaction."""
    demand(principal, "tariffs:write")
    memory = await commands.find_station(service.world, StationId(station_id))
    tariff = lower_tariff(await ours(service.world, memory.station))
    if data.transaction_id is None:
        command = Asked("SetDefaultTariff", {"evseId": data.evse_id, "tariff": tariff})
    else:
        command = Asked("ChangeTransactionTariff", {"transactionId": data.transaction_id, "tariff": tariff})
    done = answered(await commands.send(service.world, principal, StationId(station_id), command))
    return {"status": getattr(done.answer, "status", None), "record": done.record.hex()}


async def _all(
    service: Service, station_id: StationId, kind: str, layout: type[Any], *, active: bool | None = None
) -> list[dict[str, Any]]:
    world = service.world
    page = await world.journal.documents(world.tenant, kind, station_id=station_id, active=active, limit=200)
    return [_view(read(document, layout)) for document in page]


@dataclass(frozen=True, slots=True)
class _Listed:
    """What a page lists, and which fields the caller may not see."""

    station_id: StationId
    kind: str
    layout: type[Any]
    hidden: tuple[str, ...] = ()


async def _page(
    service: Service, request: Req, what: _Listed, limit: int, after: str | None
) -> Response[list[dict[str, Any]]]:
    world = service.world
    page = await world.journal.documents(
        world.tenant, what.kind, station_id=what.station_id, after=after or "", limit=limit
    )
    views = [_view(read(document, what.layout), what.hidden) for document in page]
    return paged(request, views, page[-1].key if len(page) == limit else None)


def _view(kept: Any, hidden: tuple[str, ...] = ()) -> dict[str, Any]:
    view: dict[str, Any] = msgspec.to_builtins(kept)
    return {name: value for name, value in view.items() if name not in {"station_id", *hidden}}


ROUTES = (get_grid, get_swaps, get_payments, get_station_tariffs, post_station_tariff)
