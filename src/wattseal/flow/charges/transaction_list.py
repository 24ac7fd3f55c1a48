"""Transactions found: by station, time, state, end and token; and which token one was charged to."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from wattseal.base.ids import StationId
from wattseal.flow.charges.charged_token import charged_token
from wattseal.flow.documents import TRANSACTION, TRANSACTION_TIME, read
from wattseal.flow.fleet.succession import predecessors
from wattseal.flow.listing import timed
from wattseal.flow.world import World
from wattseal.model.token import canonical
from wattseal.model.transaction import Transaction

MAX_LOOKED_AT = 2000
"""So many transactions are looked at for one page; where few pass the filters a page is short and leads on."""
_CHUNK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionQuery:
    """Transactions asked for. With a time they come in the order of time, else in that of their ids.

    `since` is inclusive, `until` exclusive, both when this CSMS first heard of it. `stations` are ids as enrolled.
    """

    limit: int
    after: str = ""
    stations: tuple[str, ...] = ()
    active: bool | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    stop_reason: str | None = None
    id_token: str | None = None

    @property
    def timed(self) -> bool:
        """Whether a time is asked for."""
        return self.since_ms is not None or self.until_ms is not None


async def find_transactions(world: World, query: TransactionQuery) -> tuple[list[Transaction], str | None]:
    """Return a page, and the cursor of the next one; None where this is the last."""
    found: list[Transaction] = []
    looked_at, last = 0, query.after
    async for key, transaction in _candidates(world, query):
        looked_at, last = looked_at + 1, key
        if await _passes(world, query, transaction):
            found.append(transaction)
        if len(found) == query.limit or looked_at == MAX_LOOKED_AT:
            return found, last
    return found, None


async def _candidates(world: World, query: TransactionQuery) -> AsyncIterator[tuple[str, Transaction]]:
    after, end = query.after, None if query.until_ms is None else timed(query.until_ms)
    if query.since_ms is not None:
        after = max(after, timed(query.since_ms))
    while page := await _page(world, query, after):
        for key in page:
            if end is not None and key >= end:
                return
            document = await world.journal.document(world.tenant, TRANSACTION, key.rpartition("-")[2])
            if document is not None:
                yield key, read(document, Transaction)
        after = page[-1]


async def _page(world: World, query: TransactionQuery, after: str) -> list[str]:
    kind = TRANSACTION_TIME if query.timed else TRANSACTION
    active = None if query.timed else query.active
    keys: list[str] = []
    for station_id in query.stations or (None,):
        found = await world.journal.documents(
            world.tenant,
            kind,
            station_id=None if station_id is None else StationId(station_id),
            active=active,
            after=after,
            limit=_CHUNK,
        )
        keys.extend(document.key for document in found)
    return sorted(keys, key=str.encode)[:_CHUNK]


async def _passes(world: World, query: TransactionQuery, transaction: Transaction) -> bool:
    if query.active not in {None, transaction.active} or query.stop_reason not in {None, transaction.stop_reason}:
        return False
    if query.id_token is None:
        return True
    token = await charged_token(world, transaction)
    return token is not None and token.key() == canonical(query.id_token)


async def stations_of(world: World, station_id: str, *, history: bool) -> tuple[str, ...]:
    """Return a station, and with `history` those whose place it took."""
    return (station_id, *(await predecessors(world, station_id) if history else ()))
