"""Transactions, where they stand, and the bundle that proves one."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from litestar import Response, get
from litestar.enums import MediaType
from litestar.params import FromPath, FromQuery, QueryParameter

from wattseal.base.errors import InputError
from wattseal.base.ids import StationId
from wattseal.flow.charges.bundling import NotYet, assemble
from wattseal.flow.charges.charge_details import counts, remote_start_of
from wattseal.flow.charges.session_rows import (
    STATES,
    Include,
    SessionRow,
    SessionsWanted,
    row_of,
    session_page,
)
from wattseal.flow.charges.settling import settlement_of
from wattseal.flow.charges.transaction_list import TransactionQuery, find_transactions, stations_of
from wattseal.flow.documents import TRANSACTION, read
from wattseal.flow.listing import spelled
from wattseal.model.principal import Principal
from wattseal.model.transaction import Transaction
from wattseal.model.verdict import Grade
from wattseal.rules.retries import transaction_key
from wattseal.serve.api.bodies import transaction_view
from wattseal.serve.api.paging import Instant, milliseconds, paged
from wattseal.serve.api.problems import ProblemError, Req, demand
from wattseal.serve.api.service import Limit, Service, ShortQuery, What, Who

READ_ENERGY = "energy:read"
"""Scope of reading energy figures; an operator's admin token has every scope."""
READ_TOKENS = "tokens:read"
"""Scope of seeing which token a transaction was charged to."""
CBOR = "application/cbor"
GRADES = tuple(grade.name for grade in Grade)
Stands = Annotated[str | None, QueryParameter(name="state", max_length=255, schema_extra={"enum": list(STATES)})]
GradeName = Annotated[str | None, QueryParameter(max_length=255, schema_extra={"enum": list(GRADES)})]


@get("/transactions")
async def get_transactions(
    principal: Who,
    service: What,
    request: Req,
    *,
    limit: Limit = 100,
    station_id: ShortQuery = None,
    active: FromQuery[bool | None] = None,
    history: FromQuery[bool] = False,
    since: Instant = None,
    until: Instant = None,
    stop_reason: ShortQuery = None,
    id_token: ShortQuery = None,
    site: ShortQuery = None,
    stands: Stands = None,
    grade: GradeName = None,
    after: ShortQuery = None,
) -> Response[list[dict[str, Any]]]:
    """List transactions, of one station or all, running, ended or both; `Link` leads to the next page.

    With `since` or `until`, when this CSMS first heard of them, they come in the order of time; with `site`, `state` or
    `grade` the newest first. With `history` those of the stations whose place a station took are among its own.
    `id_token` is for those who may read tokens.
    """
    demand(principal, "transactions:read")
    if id_token is not None:
        demand(principal, READ_TOKENS)
    world = service.world
    enrolled = None if station_id is None else await spelled(world, station_id)
    stations = () if enrolled is None else await stations_of(world, enrolled, history=history)
    since_ms, until_ms = milliseconds(since, "since"), milliseconds(until, "until")
    if site is None and stands is None and grade is None:
        query = TransactionQuery(
            limit=limit,
            after=after or "",
            stations=stations,
            active=active,
            since_ms=since_ms,
            until_ms=until_ms,
            stop_reason=stop_reason,
            id_token=id_token,
        )
        found, next_key = await find_transactions(world, query)
        return paged(request, [await _transaction(principal, service, one) for one in found], next_key)
    wanted = SessionsWanted(
        before=after or "",
        stations=stations,
        active=active,
        since_ms=since_ms,
        until_ms=until_ms,
        stop_reason=stop_reason,
        token=id_token,
        site=site,
        state=None if stands is None else _word(stands, STATES, "state"),
        grade=None if grade is None else Grade[_word(grade, GRADES, "grade")],
    )
    rows, next_key = await session_page(world, service.proofs, wanted, _seen_by(principal), limit)
    return paged(request, [await _view(principal, service, row) for row in rows], next_key)


def _word(told: str, words: Sequence[str], field: str) -> str:
    """Return a word of a query that is one of these."""
    if told not in words:
        raise InputError(f"{field} is one of {', '.join(words)}", code=f"bad_{field}", subject=field)
    return told


@get("/transactions/{key:str}")
async def get_transaction(
    principal: Who, service: What, key: FromPath[str], station_id: ShortQuery = None
) -> dict[str, Any]:
    """Show one transaction by our id, or by the station's own with `?station_id=`.

    Beside what the list shows: how many records and messages there are, which 2.x sequence numbers are missing, and the
    command it began with.
    """
    demand(principal, "transactions:read")
    found = await _find(principal, service, key, station_id)
    counted = await counts(service.world, found)
    began = await remote_start_of(service.world, found)
    return await _transaction(principal, service, found) | {
        "counts": {
            "records": counted.records,
            "messages": counted.messages,
            "readings": counted.readings,
            "missing": list(counted.missing),
        },
        "remote_start": None if began is None else {"asked_by": began.asked_by, "record": began.record},
    }


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


async def _find(principal: Principal, service: Service, key: str, station_id: str | None) -> Transaction:
    journal = service.world.journal
    if station_id is not None:
        station_id = await spelled(service.world, station_id)
        subject = await journal.answer(principal.tenant, StationId(station_id), transaction_key(key))
        key = subject.hex() if subject is not None else key
    document = await journal.document(principal.tenant, TRANSACTION, key)
    if document is None or station_id not in {None, document.station_id}:
        raise ProblemError(404, "not_found", "there is no such transaction")
    return read(document, Transaction)


async def _transaction(principal: Principal, service: Service, transaction: Transaction) -> dict[str, Any]:
    row = await row_of(service.world, service.proofs, transaction, _seen_by(principal))
    return await _view(principal, service, row)


def _seen_by(principal: Principal) -> Include:
    return Include(token=principal.may(READ_TOKENS))


async def _view(principal: Principal, service: Service, row: SessionRow) -> dict[str, Any]:
    settlement = await settlement_of(service.world, row.transaction)
    standing = row.standing, row.reason
    view = transaction_view(row.transaction, row.grade, standing, settlement, reads_energy=principal.may(READ_ENERGY))
    token = None if row.token is None else {"id_token": row.token.value, "type": row.token.type}
    broken = () if row.broken is None else row.broken.findings
    return view | {"id_token": token, "broken": [{"code": one.code, "field": one.field} for one in broken]}


ROUTES = (get_transactions, get_transaction, get_bundle)
