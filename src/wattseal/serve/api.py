"""The operator's HTTP API: bearer token in, JSON out. Every handler takes a `Principal` and sees its tenant only."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
from litestar import Litestar, Response, Router, get, post, put
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.enums import MediaType
from litestar.exceptions import HTTPException, NotAuthorizedException
from litestar.openapi import OpenAPIConfig
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter, SkipValidation

from wattseal.base.errors import InputError, WattsealError
from wattseal.base.ids import StationId
from wattseal.flow import enrol
from wattseal.flow.bundling import NotYet, Proofs, assemble
from wattseal.flow.documents import ALARM, STATION, TRANSACTION, read
from wattseal.flow.grading import grade_now
from wattseal.flow.settling import settlement_of
from wattseal.flow.turn import Alarm
from wattseal.flow.world import World
from wattseal.log.tiles import TileRef
from wattseal.model.principal import Principal
from wattseal.model.station import NO_PIN, Station
from wattseal.model.transaction import Transaction
from wattseal.rules.billing import bill_now
from wattseal.rules.retries import transaction_key
from wattseal.seal import dcbor
from wattseal.seal.registry import Entry
from wattseal.serve.api_bodies import StationBody, TokenBody, station_view, token_view, transaction_view
from wattseal.serve.api_problems import (
    ProblemError,
    Req,
    demand,
    on_defect,
    on_http_error,
    on_problem,
    on_recursion,
    on_wattseal_error,
)
from wattseal.wire.ocpi.v2_2_1.tariffs import decode_tariff

MAX_BODY_BYTES = 1024 * 1024
MAX_PAGE = 1000
MAX_ENTRIES = 256
READ_ENERGY = "energy:read"
"""Scope of reading energy figures; an operator's admin token has every scope."""
CBOR = "application/cbor"
PLAIN = "text/plain"
Limit = Annotated[int, QueryParameter(ge=1, le=MAX_PAGE)]
ShortQuery = Annotated[str | None, QueryParameter(max_length=255)]


@dataclass(frozen=True, slots=True)
class Service:
    """What the handlers work with.

    `authenticate` turns a bearer token into a principal; `tiles` is the log's directory; `own_entries` are to be
    enrolled with a registry; `retry_after_s` is how long the next checkpoint may take.
    """

    world: World
    proofs: Proofs
    authenticate: Callable[[str], Principal | None]
    connected: Callable[[StationId], bool]
    ready: Callable[[], bool]
    tiles: Path
    log_vkey: str
    own_entries: tuple[Entry, ...]
    retry_after_s: int


Who = NamedDependency[SkipValidation[Principal]]
What = NamedDependency[SkipValidation[Service]]


async def provide_principal(request: Req) -> Principal:
    """Return who asks; without a good bearer token there is nobody."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    found = provide_service(request.app.state).authenticate(token.strip()) if kind.lower() == "bearer" else None
    if found is None:
        raise NotAuthorizedException("send Authorization: Bearer with the token in DIR/admin-token")
    return found


def provide_service(state: State) -> Service:
    """Return the process's service."""
    service: Service = state["service"]
    return service


@get("/healthz", media_type=PLAIN, sync_to_thread=False)
def healthz() -> str:
    """Say that the process lives."""
    return "ok\n"


@get("/readyz", media_type=PLAIN, sync_to_thread=False)
def readyz(service: What) -> str:
    """Say that what is acknowledged would be durable; 503 while it would not."""
    if not service.ready():
        raise ProblemError(503, "not_ready", "the journal cannot be written; stations are told to keep their messages")
    return "ready\n"


@post("/stations")
async def post_station(principal: Who, service: What, data: JSONBody[StationBody]) -> Response[dict[str, Any]]:
    """Enrol a station (201), or change its enrolment (200)."""
    demand(principal, "stations:write")
    world = service.world
    known = await world.journal.document(principal.tenant, STATION, data.id.casefold())
    if known is None and data.password is None and data.password_hex is None:
        raise InputError("a new station needs a password or password_hex", subject="password")
    station = await enrol.enrol_station(world, data.station(), data.password_bytes())
    return Response(_station(service, station), status_code=201 if known is None else 200)


@get("/stations")
async def get_stations(
    principal: Who, service: What, *, limit: Limit = 100, after: ShortQuery = None
) -> Response[list[dict[str, Any]]]:
    """List stations; `Link` leads to the next page."""
    demand(principal, "stations:read")
    page = await service.world.journal.documents(principal.tenant, STATION, after=after or "", limit=limit)
    views = [_station(service, read(document, Station)) for document in page]
    return _paged(views, page[-1].key if len(page) == limit else None, "/api/v1/stations")


@get("/stations/{station_id:str}")
async def get_station(principal: Who, service: What, station_id: FromPath[str]) -> dict[str, Any]:
    """Show one station."""
    demand(principal, "stations:read")
    document = await service.world.journal.document(principal.tenant, STATION, station_id.casefold())
    if document is None:
        raise ProblemError(404, "not_found", "there is no such station")
    return _station(service, read(document, Station))


@post("/tokens")
async def post_token(principal: Who, service: What, data: JSONBody[TokenBody]) -> dict[str, Any]:
    """Enrol a token or change its status."""
    demand(principal, "tokens:write")
    token = data.token()
    await enrol.put_a_token(service.world, token)
    return token_view(token)


@get("/tokens")
async def get_tokens(
    principal: Who, service: What, *, limit: Limit = 100, after: ShortQuery = None
) -> Response[list[dict[str, Any]]]:
    """List tokens; `Link` leads to the next page."""
    demand(principal, "tokens:read")
    found = await enrol.find_tokens(service.world, after or "", limit)
    next_key = found[-1].id_token.key() if len(found) == limit else None
    return _paged([token_view(token) for token in found], next_key, "/api/v1/tokens")


@get("/transactions")
async def get_transactions(
    principal: Who,
    service: What,
    *,
    limit: Limit = 100,
    station_id: ShortQuery = None,
    active: FromQuery[bool | None] = None,
    after: ShortQuery = None,
) -> Response[list[dict[str, Any]]]:
    """List transactions, of one station or all, running, ended or both; `Link` leads to the next page."""
    demand(principal, "transactions:read")
    page = await service.world.journal.documents(
        principal.tenant,
        TRANSACTION,
        station_id=None if station_id is None else StationId(station_id),
        active=active,
        after=after or "",
        limit=limit,
    )
    views = [await _transaction(principal, service, read(document, Transaction)) for document in page]
    return _paged(views, page[-1].key if len(page) == limit else None, "/api/v1/transactions")


@get("/transactions/{key:str}")
async def get_transaction(
    principal: Who, service: What, key: FromPath[str], station_id: ShortQuery = None
) -> dict[str, Any]:
    """Show one transaction by our id, or by the station's own with `?station_id=`."""
    demand(principal, "transactions:read")
    return await _transaction(principal, service, await _find(principal, service, key, station_id))


@get("/transactions/{key:str}/bundle")
async def get_bundle(
    principal: Who, service: What, key: FromPath[str], station_id: ShortQuery = None
) -> Response[bytes]:
    """Return the bundle a stranger can check offline; 202 until the log's next cosigned checkpoint."""
    demand(principal, "transactions:read")
    demand(principal, READ_ENERGY)
    transaction = await _find(principal, service, key, station_id)
    made = await assemble(service.world, service.proofs, transaction, billing_party=False)
    if isinstance(made, NotYet):
        if made.reason == "checkpoint":
            headers = {"Retry-After": str(service.retry_after_s)}
            waiting = msgspec.json.encode({"id": transaction.id, "status": "awaiting_checkpoint"})
            return Response(waiting, status_code=202, media_type=MediaType.JSON, headers=headers)
        raise ProblemError(409, "not_bundled", "only a transaction that has started and ended has a bundle")
    headers = {"Content-Disposition": f'attachment; filename="{transaction.id}.wsb"'}
    return Response(made.encode(), media_type=CBOR, headers=headers)


@put("/tariffs/{tariff_id:str}")
async def put_tariff(principal: Who, service: What, request: Req, tariff_id: FromPath[str]) -> dict[str, Any]:
    """Sign an OCPI tariff and put it into force; decisions refer to it from now on."""
    demand(principal, "tariffs:write")
    tariff = decode_tariff(await request.body())
    if tariff.id != tariff_id:
        raise InputError("the tariff's id is not the one in the path", subject="id")
    kept = await enrol.set_tariff(service.world, tariff)
    return {"id": kept.tariff_id, "record": kept.record}


@post("/registry/entries")
async def post_entries(principal: Who, service: What, request: Req) -> Response[dict[str, Any]]:
    """Take root-signed registry entries (a CBOR array of statements); what is refused is named."""
    demand(principal, "registry:write")
    found = dcbor.decode(await request.body(), MAX_BODY_BYTES)
    if not isinstance(found, list) or not all(isinstance(entry, bytes) for entry in found):
        raise InputError("the body is a CBOR array of byte strings, one statement each", subject="body")
    if len(found) > MAX_ENTRIES:
        raise InputError(f"at most {MAX_ENTRIES} entries at once", subject="body")
    refused = await enrol.add_entries(service.world, found)
    body = {"accepted": len(found) - len(refused), "refused": refused}
    return Response(body, status_code=422 if refused else 200)


@get("/registry/keys")
async def get_keys(principal: Who, service: What) -> dict[str, Any]:
    """Show this CPO's public keys, to be enrolled with a registry, and its log's verifier key."""
    demand(principal, "registry:read")
    keys = [
        {
            "origin": entry.origin,
            "role": entry.role.name,
            "party": entry.party,
            "use": entry.use.name.lower(),
            "public_key": msgspec.json.decode(msgspec.json.encode(entry.spki)),
        }
        for entry in service.own_entries
    ]
    return {"party": service.world.party, "log": service.log_vkey, "keys": keys}


@get("/alarms")
async def get_alarms(
    principal: Who, service: What, *, limit: Limit = 100, station_id: ShortQuery = None, after: ShortQuery = None
) -> Response[list[dict[str, Any]]]:
    """List alarms, oldest first; `Link` leads to the next page."""
    demand(principal, "alarms:read")
    page = await service.world.journal.documents(
        principal.tenant,
        ALARM,
        station_id=None if station_id is None else StationId(station_id),
        after=after or "",
        limit=limit,
    )
    views = [msgspec.to_builtins(read(document, Alarm)) for document in page]
    return _paged(views, page[-1].key if len(page) == limit else None, "/api/v1/alarms")


@get("/log/{path:path}", media_type=PLAIN)
async def get_log(service: What, path: FromPath[str]) -> Response[bytes]:
    """Serve the transparency log as C2SP tlog-tiles: `checkpoint` and `tile/...`; public, and nothing else."""
    name = path.removeprefix("/")
    if name != "checkpoint":
        try:
            name = TileRef.parse(name).path()
        except InputError as error:
            raise ProblemError(404, "not_found", "the log has checkpoint and tile/...") from error
    try:
        data = await asyncio.to_thread((service.tiles / name).read_bytes)
    except OSError as error:
        raise ProblemError(404, "not_found", "the log does not have this yet") from error
    return Response(data, media_type=PLAIN if name == "checkpoint" else "application/octet-stream")


async def _find(principal: Principal, service: Service, key: str, station_id: str | None) -> Transaction:
    journal = service.world.journal
    if station_id is not None:
        subject = await journal.answer(principal.tenant, StationId(station_id), transaction_key(key))
        key = subject.hex() if subject is not None else key
    document = await journal.document(principal.tenant, TRANSACTION, key)
    if document is None or station_id not in {None, document.station_id}:
        raise ProblemError(404, "not_found", "there is no such transaction")
    return read(document, Transaction)


async def _transaction(principal: Principal, service: Service, transaction: Transaction) -> dict[str, Any]:
    grade = await grade_now(service.world, service.proofs, transaction)
    document = await service.world.journal.document(principal.tenant, STATION, transaction.station_id.casefold())
    pin = NO_PIN if document is None else read(document, Station).pin
    standing = bill_now(transaction, grade, pin, service.world.now_ms())
    settlement = await settlement_of(service.world, transaction)
    return transaction_view(transaction, grade, standing, settlement, reads_energy=principal.may(READ_ENERGY))


def _station(service: Service, station: Station) -> dict[str, Any]:
    station_id = StationId(station.id)
    memory = service.world.stations.get(station_id)
    statuses = {} if memory is None else memory.statuses
    return station_view(station, connected=service.connected(station_id), statuses=statuses)


def _paged(views: list[dict[str, Any]], next_key: str | None, path: str) -> Response[list[dict[str, Any]]]:
    headers = {} if next_key is None else {"Link": f'<{path}?after={next_key}>; rel="next"'}
    return Response(views, headers=headers)


def make_api(service: Service) -> Litestar:
    """Return the ASGI application."""
    handlers = (
        post_station,
        get_stations,
        get_station,
        post_token,
        get_tokens,
        get_transactions,
        get_transaction,
        get_bundle,
        put_tariff,
        post_entries,
        get_keys,
        get_alarms,
        get_log,
    )

    return Litestar(
        [healthz, readyz, Router("/api/v1", route_handlers=handlers)],
        dependencies={
            "principal": Provide(provide_principal),
            "service": Provide(provide_service, sync_to_thread=False),
        },
        state=State({"service": service}),
        exception_handlers={
            ProblemError: on_problem,
            WattsealError: on_wattseal_error,
            HTTPException: on_http_error,
            RecursionError: on_recursion,
            Exception: on_defect,
        },
        openapi_config=OpenAPIConfig("wattseal", "1", path="/api/docs", use_handler_docstrings=True),
        request_max_body_size=MAX_BODY_BYTES,
        logging_config=None,
    )
