"""Planned rows on their way into SQLite: first as one blob in `pending`, later in their tables.

A commit that touched the tables at once would rewrite a page of every index for every station in the group. So a group
is made durable as one appended blob, and blobs are worked into the tables by the thousand rows, where neighbours share
pages and only the last version of a document is written.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Annotated, Any, Final

import msgspec

from wattseal.base.errors import StoreError
from wattseal.stores import touches
from wattseal.stores.ledger import POSTING_COLUMNS, TRANSFER_COLUMNS
from wattseal.stores.plan import DOCUMENT_COLUMNS, ERASE, ITEM_COLUMNS, OUTBOX_COLUMNS, Place, Plan
from wattseal.stores.rollups import BILL_COLUMNS, PUT_BILL, PUT_SESSION, SESSION_COLUMNS
from wattseal.stores.touches import Touch

CHUNK_ROWS: Final = 128
BLOB_VERSION: Final = 4
"""2 added postings and transfers, 3 the rows of sessions and bills, 4 what is left of items that were erased."""

Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class Rows(msgspec.Struct, array_like=True, frozen=True):
    """The layout of a pending blob (MessagePack). What decodes as this is what the tables accept.

    New columns of it come last and have defaults, so that older blobs are read.
    """

    version: int
    items: list[
        tuple[str, str, Count, Count, Count, bytes, bytes, Count, bool, bytes | None, bytes, Count | None, str, int]
    ]
    leaves: list[tuple[str, Count, bytes]]
    documents: list[tuple[str, str, str, Count, bytes, Count, str | None, bool | None]]
    answers: list[tuple[str, str, str, bytes]]
    outbox: list[tuple[str, str, str, bytes, Count, Count]]
    delivered: list[tuple[str, str]]
    retried: list[tuple[Count, str, str]]
    postings: list[tuple[str, Count, str, str, str, Count, Count, bytes | None, bytes, str, bytes]] = []
    transfers: list[tuple[str, Count, Count, str, str, Count]] = []
    sessions: list[tuple[str, Count, str, str, Count, str, str, str, Count, Count, Count]] = []
    bills: list[tuple[str, Count, str, str, str, Count, str, str, Count, str, Count, Count, Count, Count, bool]] = []
    erased: list[tuple[bytes, str, Count, bytes]] = []


_DECODER: Final = msgspec.msgpack.Decoder(Rows)
_ENCODER: Final = msgspec.msgpack.Encoder()


def encode(planned: Plan) -> bytes:
    """Encode the rows of a plan as a pending blob."""
    return _ENCODER.encode(
        (
            BLOB_VERSION,
            planned.items,
            planned.leaves,
            list(planned.documents.values()),
            [(*key, answer) for key, answer in planned.answers.items()],
            list(planned.outbox.values()),
            planned.delivered,
            planned.retried,
            planned.ledger.postings,
            planned.ledger.transfers,
            list(planned.sessions.values()),
            list(planned.bills.values()),
            planned.erased,
        )
    )


def decode(blob: bytes) -> Rows:
    """Decode a pending blob; `msgspec.ValidationError` where a value has a type or size the tables do not take."""
    return _DECODER.decode(blob)


def touched(rows: Rows) -> Iterator[Touch]:
    """Yield what rows change, under every name that a read may have for it."""
    for tenant, origin, stream, _, _, _, _, _, _, of, *_ in rows.items:
        yield "chain", tenant, origin, stream
        if of is not None:
            yield "subject", tenant, of
    for tenant, index, _ in rows.leaves:
        yield "log", tenant
        yield "leaf", tenant, index
    for tenant, kind, key, *_ in rows.documents:
        yield "kind", tenant, kind
        yield "document", tenant, kind, key
    if rows.erased:
        yield touches.ERASED
    for changed, names in (
        (rows.items or rows.erased, touches.ITEMS),
        (rows.answers, touches.ANSWERS),
        (rows.outbox or rows.delivered or rows.retried, touches.OUTBOX),
        (rows.postings or rows.transfers, touches.LEDGER),
        (rows.sessions or rows.bills, touches.SUMS),
    ):
        if changed:
            yield from names


class Unapplied:
    """Rows that are durable in `pending` and wait to be worked into their tables."""

    def __init__(self) -> None:
        self.blobs = 0
        self.rows = 0
        self._places: dict[Place, int | None] = {}
        self._placed = 0
        self._items: list[tuple[Any, ...]] = []
        self._leaves: list[tuple[Any, ...]] = []
        self._documents: dict[tuple[str, str, str], tuple[Any, ...]] = {}
        self._answers: list[tuple[Any, ...]] = []
        self._outbox: list[tuple[Any, ...]] = []
        self._delivered: list[tuple[str, str]] = []
        self._retried: list[tuple[int, str, str]] = []
        self._postings: list[tuple[Any, ...]] = []
        self._transfers: list[tuple[Any, ...]] = []
        self._posted: set[tuple[str, str]] = set()
        self._sessions: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        self._bills: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        self.erased: list[tuple[Any, ...]] = []
        self._touched: set[Touch] = set()

    def add(self, rows: Rows) -> None:
        """Take over the rows of the next blob."""
        self.blobs += 1
        self.rows += len(rows.items) + len(rows.leaves) + len(rows.documents) + len(rows.answers) + 1
        self.rows += len(rows.transfers) + len(rows.sessions) + len(rows.bills)
        self._items += rows.items
        self._leaves += rows.leaves
        self._documents.update((row[:3], row) for row in rows.documents)
        self._answers += rows.answers
        self._outbox += rows.outbox
        self._delivered += rows.delivered
        self._retried += rows.retried
        self._postings += rows.postings
        self._transfers += rows.transfers
        self._posted.update((row[0], row[2]) for row in rows.postings)
        self._sessions.update((row[:3], row) for row in rows.sessions)
        self._bills.update((row[:3], row) for row in rows.bills)
        self.erased += rows.erased
        self._touched.update(touched(rows))

    def touch(self, looked_at: Iterable[Touch]) -> bool:
        """Return whether what is looked at may be among the rows that wait. Called from other threads, too."""
        return any(one in self._touched for one in looked_at)

    def posted(self, key: tuple[str, str]) -> bool:
        """Return whether a posting of that tenant and key waits."""
        return key in self._posted

    def places(self) -> Mapping[Place, int | None]:
        """Return the log index of each item that waits; put together when it is asked for, which is hardly ever."""
        for row in self._items[self._placed :]:
            self._places[row[:6]] = row[11]
        self._placed = len(self._items)
        return self._places

    def apply(self, connection: sqlite3.Connection) -> None:
        """Write all rows and remove their blobs, in one transaction."""
        run = connection.execute
        run("BEGIN IMMEDIATE")
        blobs = run("DELETE FROM pending").rowcount
        if blobs != self.blobs:
            run("ROLLBACK")
            raise StoreError("another process works on this journal; run one at a time", code="store_shared")
        insert(connection, f"items ({ITEM_COLUMNS})", self._items)
        insert(connection, "leaves (tenant_id, log_index, entry)", self._leaves)
        kept = sorted((row for row in self._documents.values() if row[4]), key=_key)
        insert(connection, f"documents ({DOCUMENT_COLUMNS})", kept, _REPLACE)
        for removed in (key for key, row in self._documents.items() if not row[4]):
            run("DELETE FROM documents WHERE tenant_id = ? AND kind = ? AND key = ?", removed)
        insert(connection, "answers (tenant_id, station_id, key, answer)", sorted(self._answers), _KEEP_FIRST)
        insert(connection, f"outbox ({OUTBOX_COLUMNS})", self._outbox, _KEEP_FIRST)
        for delivered in self._delivered:
            run("DELETE FROM outbox WHERE tenant_id = ? AND id = ?", delivered)
        for retried in self._retried:
            run("UPDATE outbox SET next_at_ms = ?, attempts = attempts + 1 WHERE tenant_id = ? AND id = ?", retried)
        insert(connection, f"postings ({POSTING_COLUMNS})", self._postings)
        insert(connection, f"transfers ({TRANSFER_COLUMNS})", self._transfers)
        insert(connection, f"sessions ({SESSION_COLUMNS})", list(self._sessions.values()), PUT_SESSION)
        insert(connection, f"bills ({BILL_COLUMNS})", list(self._bills.values()), PUT_BILL)
        for erased in self.erased:
            run(ERASE.replace("$", "?"), erased)
        run("COMMIT")


def load_pending(connection: sqlite3.Connection) -> Unapplied:
    """Return what the database has pending."""
    unapplied = Unapplied()
    for (blob,) in connection.execute("SELECT body FROM pending ORDER BY position"):
        unapplied.add(decode(blob))
    return unapplied


def insert(connection: sqlite3.Connection, table: str, rows: Sequence[Sequence[Any]], conflict: str = "") -> None:
    """Insert `rows` by statements of 128, 64, ... 1 rows: few of them to prepare, and few to run.

    The interpreter lock is let go for the length of a statement; with a statement a row it would be fought over with
    the event loop row by row.
    """
    start = 0
    while left := len(rows) - start:
        count = min(CHUNK_ROWS, 1 << (left.bit_length() - 1))
        values = [value for row in rows[start : start + count] for value in row]
        connection.execute(insert_statement(table, len(rows[start]), count, conflict), values)
        start += count


@cache
def insert_statement(table: str, width: int, count: int, conflict: str = "") -> str:
    """Return the statement that inserts `count` rows of `width` values into a table named with its columns."""
    row = "(" + ",".join("?" * width) + ")"
    return f"INSERT INTO {table} VALUES {','.join([row] * count)}{conflict}"  # noqa: S608 - constants only


def _key(row: Sequence[Any]) -> Any:
    return row[:3]


_REPLACE: Final = (
    " ON CONFLICT (tenant_id, kind, key) DO UPDATE SET version = excluded.version, body = excluded.body, "
    "updated_at_ms = excluded.updated_at_ms, station_id = excluded.station_id, active = excluded.active"
)
_KEEP_FIRST: Final = " ON CONFLICT DO NOTHING"
