"""Lists and sums: a row a session, a row a bill, and their sums by time, which triggers on the rows keep.

The rows of a journal that is there already follow from its documents, those in `pending` included.
"""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from wattseal.pricing.money import minor_unit_digits
from wattseal.stores.migrations.rollup_triggers import SUMS, postgresql, sqlite

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

PAGE = 1000
KINDS = ((1, ""), (4, ""), (96, ""))
"""Quarters by station, hours and days of all of them."""


def name(column: str, *, primary_key: bool = False) -> sa.Column[str]:
    """Return a text column ordered by its bytes."""
    text = sa.Text().with_variant(pg.TEXT(collation="C"), "postgresql")
    return sa.Column(column, text, primary_key=primary_key, nullable=False)


def number(column: str, *, primary_key: bool = False) -> sa.Column[int]:
    """Return a column of 64-bit numbers."""
    return sa.Column(column, sa.BigInteger, primary_key=primary_key, autoincrement=False, nullable=False)


def small(column: str, *, primary_key: bool = False) -> sa.Column[int]:
    """Return a column of small numbers."""
    return sa.Column(column, sa.Integer, primary_key=primary_key, autoincrement=False, nullable=False)


def upgrade() -> None:
    """Create the tables and their triggers, then the rows of what is there."""
    create_sessions()
    create_bills()
    op.create_table(
        "rollups",
        name("tenant_id", primary_key=True),
        small("width", primary_key=True),
        name("station_id", primary_key=True),
        number("at", primary_key=True),
        number("evse_id", primary_key=True),
        name("party", primary_key=True),
        name("currency", primary_key=True),
        small("grade", primary_key=True),
        name("source", primary_key=True),
        *(number(column) for column in SUMS),
        sqlite_with_rowid=False,
    )
    connection = op.get_bind()
    is_sqlite = connection.dialect.name == "sqlite"
    for statement in (sqlite if is_sqlite else postgresql)(KINDS):
        connection.exec_driver_sql(statement)
    fill(connection)


def create_sessions() -> None:
    """Create the rows of sessions, in the order they were first heard of."""
    op.create_table(
        "sessions",
        name("tenant_id", primary_key=True),
        number("recorded_ms", primary_key=True),
        name("id", primary_key=True),
        name("station_id"),
        number("evse_id"),
        name("party"),
        name("source"),
        name("state"),
        number("at_ms"),
        number("energy_mwh"),
        number("seconds"),
        sqlite_with_rowid=False,
    )
    op.create_index("sessions_station", "sessions", ["tenant_id", "station_id", "recorded_ms", "id"])
    undone, partner = sa.text("state <> 'billed'"), sa.text("party <> ''")
    op.create_index(
        "sessions_state",
        "sessions",
        ["tenant_id", "state", "recorded_ms", "id"],
        sqlite_where=undone,
        postgresql_where=undone,
    )
    op.create_index(
        "sessions_party",
        "sessions",
        ["tenant_id", "party", "recorded_ms", "id"],
        sqlite_where=partner,
        postgresql_where=partner,
    )


def create_bills() -> None:
    """Create the rows of bills, in the order they were made."""
    op.create_table(
        "bills",
        name("tenant_id", primary_key=True),
        number("billed_ms", primary_key=True),
        name("id", primary_key=True),
        name("account"),
        name("station_id"),
        number("evse_id"),
        name("party"),
        name("currency"),
        small("grade"),
        name("source"),
        number("at_ms"),
        number("energy_mwh"),
        number("net"),
        number("tax"),
        sa.Column("reversed", sa.Boolean, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("bills_station", "bills", ["tenant_id", "station_id", "billed_ms", "id"])
    op.create_index("bills_account", "bills", ["tenant_id", "account", "billed_ms", "id"])


def downgrade() -> None:
    """Refuse: restore a backup instead."""
    raise NotImplementedError("going back is not possible; restore a backup instead")


def fill(connection: sa.Connection) -> None:
    """Write the rows of all sessions and bills there are; a document that cannot be read has none, as `fsck` says."""
    if connection.dialect.name == "sqlite":
        settle(connection)
    found = connection.execute(
        sa.text("SELECT DISTINCT tenant_id FROM documents WHERE kind IN ('transaction', 'bill')")
    )
    for tenant in [row[0] for row in found]:
        for page in pages(connection, tenant, "bill"):
            insert(connection, "bills", BILL_COLUMNS, (bill_row(tenant, key, body) for key, _, body in page))
        for page in pages(connection, tenant, "transaction"):
            span = tenant, page[0][0], page[-1][0]
            waits = {key: active for key, active, _ in between(connection, "unbilled", *span)}
            billed = {key for key, _, _ in between(connection, "bill", *span)}
            rows = (session_row(tenant, key, body, waits.get(key), key in billed) for key, _, body in page)
            insert(connection, "sessions", SESSION_COLUMNS, rows)


def settle(connection: sa.Connection) -> None:
    """Bring the documents up to what is committed and waits in `pending`; that stays there and is written once more."""
    put = sa.text(
        "INSERT OR REPLACE INTO documents (tenant_id, kind, key, version, body, updated_at_ms, station_id, active) "
        "VALUES (:a, :b, :c, :d, :e, :f, :g, :h)"
    )
    gone = sa.text("DELETE FROM documents WHERE tenant_id = :a AND kind = :b AND key = :c")
    for (blob,) in connection.execute(sa.text("SELECT body FROM pending ORDER BY position")).fetchall():
        for row in msgspec.msgpack.decode(blob)[3]:
            connection.execute(put if row[4] else gone, dict(zip("abcdefgh" if row[4] else "abc", row, strict=False)))


Document = tuple[str, bool | None, bytes]
Row = tuple[Any, ...] | None


def pages(connection: sa.Connection, tenant: str, kind: str) -> Iterator[list[Document]]:
    """Yield the documents of a kind in the order of their keys."""
    statement = sa.text(
        "SELECT key, active, body FROM documents WHERE tenant_id = :tenant AND kind = :kind AND key > :after "
        "ORDER BY key LIMIT :page"
    )
    after = ""
    while rows := connection.execute(statement, {"tenant": tenant, "kind": kind, "after": after, "page": PAGE}).all():
        yield [(row[0], row[1], bytes(row[2])) for row in rows]
        after = rows[-1][0]


def between(connection: sa.Connection, kind: str, tenant: str, first: str, last: str) -> list[Document]:
    """Return the documents of a kind whose keys are from `first` to `last`."""
    statement = sa.text(
        "SELECT key, active, body FROM documents WHERE tenant_id = :tenant AND kind = :kind "
        "AND key >= :first AND key <= :last"
    )
    asked = {"tenant": tenant, "kind": kind, "first": first, "last": last}
    return [(row[0], row[1], bytes(row[2])) for row in connection.execute(statement, asked)]


def insert(connection: sa.Connection, table: str, columns: tuple[str, ...], rows: Iterator[Row]) -> None:
    """Insert the rows that could be made."""
    values = [dict(zip(columns, row, strict=True)) for row in rows if row is not None]
    if values:
        marks = ", ".join(f":{column}" for column in columns)
        connection.execute(sa.text(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"), values)  # noqa: S608


SESSION_COLUMNS = (
    *("tenant_id", "recorded_ms", "id", "station_id", "evse_id", "party", "source", "state", "at_ms", "energy_mwh"),
    "seconds",
)
BILL_COLUMNS = (
    *("tenant_id", "billed_ms", "id", "account", "station_id", "evse_id", "party", "currency", "grade", "source"),
    *("at_ms", "energy_mwh", "net", "tax", "reversed"),
)
LATEST_MS, MAX_SECONDS, MAX_WH, MAX_EVSE, MAX_PARTY = 10**14, 10**8, 2_000_000, 10**9, 36


def session_row(tenant: str, key: str, body: bytes, waits: bool | None, billed: bool) -> Row:  # noqa: FBT001
    """Return a session's row; `waits` is whether its document for billing is active, None where it has none."""
    try:
        told = json.loads(body)
        evse_id = told.get("told_evse_id") or told.get("evse_id", 0)
        row = (
            *(tenant, told["recorded_ms"], key, told["station_id"], min(max(0, evse_id), MAX_EVSE)),
            *(party(told.get("party")), told.get("source", "csms")),
        )
        if told.get("ended") is None:
            return (*row, "open", 0, 0, 0)
        state = ("billed" if billed else "free") if waits is None else ("pending" if waits else "quarantined")
        began, ended = told.get("started_ms"), told.get("ended_ms")
        known = told.get("start_wh") is not None and told.get("end_wh") is not None
        energy_wh = Decimal(told["end_wh"]) - Decimal(told["start_wh"]) if known else Decimal(0)
        seconds = told.get("charging_s")
        if seconds is None:
            seconds = 0 if began is None or ended is None else (ended - began) // 1000
        return (*row, state, at(ended or told["recorded_ms"]), mwh(energy_wh), min(max(0, seconds), MAX_SECONDS))
    except (ValueError, KeyError, TypeError, ArithmeticError):
        return None


def bill_row(tenant: str, key: str, body: bytes) -> Row:
    """Return a bill's row."""
    try:
        told = json.loads(body)
        digits = minor_unit_digits(told["currency"])
        net, tax = (sum(int(Decimal(part[of]).scaleb(digits)) for part in told["taxes"]) for of in ("net", "tax"))
        return (
            *(tenant, told["billed_ms"], key, told["account"], told["station_id"], told["evse_id"]),
            *(party(told["party"]), told["currency"], told["grade"], told["source"], at(told["ended_ms"])),
            *(mwh(Decimal(told["energy_wh"])), net, tax, told["state"] == "reversed"),
        )
    except (ValueError, KeyError, TypeError, ArithmeticError):
        return None


def at(ms: int) -> int:
    """Return a time within what can be added up."""
    return min(max(0, ms), LATEST_MS)


def party(told: str | None) -> str:
    """Return an eMSP's name as it fits a column, "" for none."""
    return (told or "").replace("\0", "")[:MAX_PARTY]


def mwh(energy_wh: Decimal) -> int:
    """Return whole mWh, none of what no vehicle can have taken."""
    return int(energy_wh * 1000) if 0 <= energy_wh <= MAX_WH else 0
