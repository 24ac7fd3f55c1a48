"""Projections as documents: one layout a kind, versioned, exact (decimals and bytes survive)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from wattseal.base.errors import StoreError
from wattseal.base.ids import StationId, TenantId
from wattseal.flow.ports import Journal, Put
from wattseal.model.station import Station
from wattseal.model.token import TokenRecord
from wattseal.model.transaction import Transaction

VERSION = 1
STATION, TOKEN, TRANSACTION, EVSE, ALARM = "station", "token", "transaction", "evse", "alarm"
TRANSACTION_TIME = "transaction_time"
"""Kind of the documents that hold nothing but their keys: transactions in the order they were first heard of."""
TARIFF, ENTRY, CHECKPOINT, BUNDLE, CDR = "tariff", "registry_entry", "checkpoint", "bundle", "cdr"
"""Kinds of documents this process keeps."""
UNBILLED = "unbilled"
"""Kind of the documents of ended transactions whose billing is not decided for good, by id."""
IDENTITY, SELF = "identity", "self"
"""Kind and key of the document that says whose journal this is."""

_ENCODER = msgspec.json.Encoder()
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Identity:
    """Document: the party whose journal this is, and the name of its log. Neither ever changes."""

    party: str
    log_origin: str


@dataclass(frozen=True, slots=True)
class Unbilled:
    """Document: why an ended transaction is not billed yet, as a code; "" before anybody looked.

    `since_ms` is when it came to this.
    """

    reason: str = ""
    since_ms: int = 0


def put(
    kind: str, key: str, body: Any, now_ms: int, *, station_id: str | None = None, active: bool | None = None
) -> Put:
    """Return the document to write."""
    station = None if station_id is None else StationId(station_id)
    return Put(kind, key, VERSION, _ENCODER.encode(body), now_ms, station, active)


def removal(kind: str, key: str, now_ms: int) -> Put:
    """Return what removes a document."""
    return Put(kind, key, VERSION, b"", now_ms)


def put_transaction(transaction: Transaction, now_ms: int) -> Put:
    """Return a transaction's document."""
    return put(
        TRANSACTION,
        transaction.id,
        transaction,
        now_ms,
        station_id=transaction.station_id,
        active=transaction.active,
    )


def put_transaction_time(transaction: Transaction) -> Put:
    """Return what finds a transaction by the time it was first heard of."""
    key = f"{transaction.recorded_ms:015d}-{transaction.id}"
    return Put(TRANSACTION_TIME, key, VERSION, b"{}", transaction.recorded_ms, StationId(transaction.station_id))


def put_station(station: Station, now_ms: int) -> Put:
    """Return a station's document; ids that differ in case only are the same station."""
    return put(STATION, station.id.casefold(), station, now_ms, station_id=station.id)


def put_token(token: TokenRecord, now_ms: int) -> Put:
    """Return a token's document."""
    return put(TOKEN, token.id_token.key(), token, now_ms)


def put_unbilled(
    transaction: Transaction, now_ms: int, reason: str = "", since_ms: int | None = None, *, waits: bool = True
) -> Put:
    """Return what has an ended transaction looked at for billing, now or again.

    With `waits` false it is kept as it is until something about the transaction changes: it is quarantined.
    """
    noted = Unbilled(reason, now_ms if since_ms is None else since_ms)
    return put(UNBILLED, transaction.id, noted, now_ms, station_id=transaction.station_id, active=waits)


async def every_document(
    journal: Journal, tenant: TenantId, kind: str, station_id: StationId | None = None, *, active: bool | None = None
) -> AsyncIterator[Put]:
    """Read all projections of a kind, of one station or all, page by page in the order of keys."""
    after = ""
    while page := await journal.documents(tenant, kind, station_id=station_id, active=active, after=after, limit=1000):
        for document in page:
            yield document
        after = page[-1].key


def read(document: Put, kind: type[T]) -> T:
    """Read a document; one from a newer layout, or damaged, is a `StoreError` that names it."""
    if document.version > VERSION:
        raise StoreError(
            f"{document.kind} {document.key} was written by a newer wattseal; use that one",
            code="newer_document",
            subject=document.key,
        )
    try:
        return msgspec.json.decode(document.body, type=kind)
    except msgspec.MsgspecError as error:
        raise StoreError(
            f"{document.kind} {document.key} is damaged: {error}; run wattseal fsck",
            code="damaged_document",
            subject=document.key,
        ) from error
