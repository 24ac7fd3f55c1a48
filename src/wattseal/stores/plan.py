"""What a group of batches writes: pure, and the same for every database.

A group commit takes all batches that wait, in order. `plan` decides which items are new, gives new leaves their log
indexes, fills in padding, and lets the last put to a document win.
"""

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from msgspec.structs import astuple

from wattseal.base.errors import InputError
from wattseal.flow.ports import Batch, Committed, Padding, StoredItem
from wattseal.stores.ledger import LedgerRows, Numbering

Place = tuple[str, str, int, int, int, bytes]
"""(tenant, origin, stream, epoch, seq, digest of the item's bytes): what makes an item the same."""
ItemRow = tuple[str, str, int, int, int, bytes, bytes, int, bool, bytes | None, bytes, int | None, str, int]
LeafRow = tuple[str, int, bytes]
DocumentRow = tuple[str, str, str, int, bytes, int, str | None, bool | None]
OutboxRow = tuple[str, str, str, bytes, int, int]
SessionRow = tuple[str, int, str, str, int, str, str, str, int, int, int]
ErasedRow = tuple[bytes, str, int, bytes]
BillRow = tuple[str, int, str, str, str, int, str, str, int, str, int, int, int, int, bool]

ITEM_COLUMNS = (
    "tenant_id, origin, stream, epoch, seq, digest, payload_hash, kind, signed, subject, item, log_index, "
    "station_id, recorded_at_ms"
)
"""The columns of an `ItemRow`, in its order."""
DOCUMENT_COLUMNS = "tenant_id, kind, key, version, body, updated_at_ms, station_id, active"
ERASE = "UPDATE items SET item = $1 WHERE tenant_id = $2 AND position = $3 AND payload_hash = $4"
"""What an `ErasedRow` is for; `digest` stays that of the item as it came, so that it is not taken in again."""
OUTBOX_COLUMNS = "tenant_id, id, kind, body, next_at_ms, attempts"


@dataclass(slots=True)
class Plan:
    """Rows by table, and what each batch is told when they are durable (`committed[i]` for batch i).

    `places` names the new items and their log indexes.
    """

    items: list[ItemRow] = field(default_factory=list)
    leaves: list[LeafRow] = field(default_factory=list)
    documents: dict[tuple[str, str, str], DocumentRow] = field(default_factory=dict)
    answers: dict[tuple[str, str, str], bytes] = field(default_factory=dict)
    outbox: dict[tuple[str, str], OutboxRow] = field(default_factory=dict)
    delivered: list[tuple[str, str]] = field(default_factory=list)
    retried: list[tuple[int, str, str]] = field(default_factory=list)
    sessions: dict[tuple[str, int, str], SessionRow] = field(default_factory=dict)
    bills: dict[tuple[str, int, str], BillRow] = field(default_factory=dict)
    erased: list[ErasedRow] = field(default_factory=list)
    ledger: LedgerRows = field(default_factory=LedgerRows)
    places: dict[Place, int | None] = field(default_factory=dict)
    committed: list[Committed] = field(default_factory=list)


def place_of(tenant: str, item: StoredItem) -> Place:
    """Return what makes `item` the same as another."""
    return (tenant, item.origin, item.stream, item.epoch, item.seq, sha256(item.item).digest()[:16])


def plan(
    batches: Sequence[Batch],
    sizes: MutableMapping[str, int],
    known: Mapping[Place, int | None],
    numbering: Numbering,
) -> Plan:
    """Plan one transaction.

    `sizes` holds each tenant's log size and is advanced; `known` the log index (or None) of items stored before;
    `numbering` knows the last number of every tenant that posts, and is advanced. Raises `InputError` for a leaf or
    padding entry that is not 32 bytes, and for a posting that the tables would not take.
    """
    out = Plan()
    for batch in batches:
        tenant = batch.tenant
        indexes: dict[bytes, int] = {}
        for item in batch.items:
            index = _add_item(out, tenant, item, sizes, known)
            if index is not None:
                indexes[item.payload_hash] = index
        if batch.padding is not None:
            _pad(out, tenant, batch.padding, sizes)
        for put in batch.puts:
            out.documents[tenant, put.kind, put.key] = (
                tenant,
                put.kind,
                put.key,
                put.version,
                put.body,
                put.updated_at_ms,
                put.station_id,
                put.active,
            )
        _add_rows(out, batch)
        out.erased += [(one.item, tenant, one.position, one.payload_hash) for one in batch.erased]
        for dedup in batch.dedups:
            out.answers.setdefault((tenant, dedup.station_id, dedup.key), dedup.answer)
        if batch.outbox or batch.attempts:
            _add_messages(out, batch)
        if batch.postings:
            out.ledger.add(batch, numbering)
        out.committed.append(Committed(indexes, sizes[tenant]))
    return out


def _add_item(
    out: Plan, tenant: str, item: StoredItem, sizes: MutableMapping[str, int], known: Mapping[Place, int | None]
) -> int | None:
    place = place_of(tenant, item)
    if place in out.places:
        return out.places[place]
    if place in known:
        return known[place]
    index = None
    if item.leaf is not None:
        index = _add_leaf(out, tenant, item.leaf, sizes)
    out.places[place] = index
    out.items.append(
        (
            *place,
            item.payload_hash,
            item.kind,
            item.signed,
            item.subject,
            item.item,
            index,
            item.station_id,
            item.recorded_at_ms,
        )
    )
    return index


def _add_leaf(out: Plan, tenant: str, entry: bytes, sizes: MutableMapping[str, int]) -> int:
    if len(entry) != 32:
        raise InputError("a log entry is 32 bytes", subject="leaf")
    index = sizes[tenant]
    sizes[tenant] = index + 1
    out.leaves.append((tenant, index, entry))
    return index


def _pad(out: Plan, tenant: str, padding: Padding, sizes: MutableMapping[str, int]) -> None:
    width = len(padding.entries)
    if width == 0 or padding.base > sizes[tenant]:
        raise InputError("padding needs entries, and a base within the log", subject="padding")
    grown = sizes[tenant] - padding.base
    missing = -grown % width if grown else width
    for entry in padding.entries[:missing]:
        _add_leaf(out, tenant, entry, sizes)


def _add_rows(out: Plan, batch: Batch) -> None:
    tenant = batch.tenant
    for session in batch.sessions:
        out.sessions[tenant, session.recorded_ms, session.id] = (tenant, *astuple(session))
    for bill in batch.bills:
        out.bills[tenant, bill.billed_ms, bill.id] = (tenant, *astuple(bill))


def _add_messages(out: Plan, batch: Batch) -> None:
    tenant = batch.tenant
    for message in batch.outbox:
        row = (tenant, message.id, message.kind, message.body, message.next_at_ms, message.attempts)
        out.outbox.setdefault((tenant, message.id), row)
    for attempt in batch.attempts:
        if attempt.next_at_ms is None:
            out.delivered.append((tenant, attempt.id))
        else:
            out.retried.append((attempt.next_at_ms, tenant, attempt.id))
