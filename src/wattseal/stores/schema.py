"""The tables of the journal, one schema for SQLite and PostgreSQL.

`migrations/` builds exactly this (a test compares them). Every table has `tenant_id` first in its key, and every
statement in the adapters filters by it. Text that is compared or sorted is so by its bytes on both databases.
"""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import TEXT as PG_TEXT

from wattseal.stores.rollups import SUM_COLUMNS

metadata = MetaData()

name_type = Text().with_variant(PG_TEXT(collation="C"), "postgresql")
"""Text ordered by its bytes."""
position_type = BigInteger().with_variant(Integer, "sqlite")
"""A 64-bit row number on both (SQLite numbers rows only in a column declared INTEGER)."""

items = Table(
    "items",
    metadata,
    Column("position", position_type, primary_key=True, autoincrement=True),
    Column("tenant_id", name_type, nullable=False),
    Column("origin", name_type, nullable=False),
    Column("stream", BigInteger, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("payload_hash", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("kind", Integer, nullable=False),
    Column("signed", Boolean, nullable=False),
    Column("subject", LargeBinary),
    Column("item", LargeBinary, nullable=False),
    Column("log_index", BigInteger),
    Column("station_id", name_type, nullable=False),
    Column("recorded_at_ms", BigInteger, nullable=False),
)
Index(
    "items_place",
    items.c.tenant_id,
    items.c.origin,
    items.c.stream,
    items.c.epoch,
    items.c.seq,
    items.c.digest,
    unique=True,
)
"""`digest` is the first 16 bytes of SHA-256 of `item`: only identical bytes are the same item."""
Index(
    "items_subject",
    items.c.tenant_id,
    items.c.subject,
    sqlite_where=items.c.subject.is_not(None),
    postgresql_where=items.c.subject.is_not(None),
)

leaves = Table(
    "leaves",
    metadata,
    Column("tenant_id", name_type, primary_key=True),
    Column("log_index", BigInteger, primary_key=True, autoincrement=False),
    Column("entry", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
"""The transparency log's entries in order: the durable index from which the tree is built later."""

documents = Table(
    "documents",
    metadata,
    Column("tenant_id", name_type, primary_key=True),
    Column("kind", name_type, primary_key=True),
    Column("key", name_type, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("updated_at_ms", BigInteger, nullable=False),
    Column("station_id", name_type),
    Column("active", Boolean),
)
"""Projections as versioned JSON. A new kind of document needs no migration, a new way to query one does."""
Index(
    "documents_station",
    documents.c.tenant_id,
    documents.c.kind,
    documents.c.station_id,
    documents.c.key,
    sqlite_where=documents.c.station_id.is_not(None),
    postgresql_where=documents.c.station_id.is_not(None),
)
Index(
    "documents_active",
    documents.c.tenant_id,
    documents.c.kind,
    documents.c.key,
    sqlite_where=documents.c.active,
    postgresql_where=documents.c.active,
)

answers = Table(
    "answers",
    metadata,
    Column("tenant_id", name_type, primary_key=True),
    Column("station_id", name_type, primary_key=True),
    Column("key", name_type, primary_key=True),
    Column("answer", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

outbox = Table(
    "outbox",
    metadata,
    Column("tenant_id", name_type, primary_key=True),
    Column("id", name_type, primary_key=True),
    Column("kind", name_type, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("next_at_ms", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
)
Index("outbox_due", outbox.c.tenant_id, outbox.c.next_at_ms)

postings = Table(
    "postings",
    metadata,
    Column("tenant_id", name_type, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("key", name_type, nullable=False),
    Column("kind", name_type, nullable=False),
    Column("currency", name_type, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("size", Integer, nullable=False),
    Column("subject", LargeBinary),
    Column("refs", LargeBinary, nullable=False),
    Column("memo", name_type, nullable=False),
    Column("record", LargeBinary, nullable=False),
)
"""The ledger's postings, numbered in the order of commits. Triggers refuse any change to a row and its removal."""
Index("postings_key", postings.c.tenant_id, postings.c.key, unique=True)

transfers = Table(
    "transfers",
    metadata,
    Column("tenant_id", name_type, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("debit", name_type, nullable=False),
    Column("credit", name_type, nullable=False),
    Column("amount", BigInteger, nullable=False),
    CheckConstraint("amount > 0 AND amount <= 1000000000000000", name="transfers_amount"),
    CheckConstraint("debit <> credit", name="transfers_accounts"),
    sqlite_with_rowid=False,
)
"""What a posting moves, in its currency. As unchangeable; a posting takes no more transfers than its `size`."""
Index("transfers_debit", transfers.c.tenant_id, transfers.c.debit, transfers.c.number)
Index("transfers_credit", transfers.c.tenant_id, transfers.c.credit, transfers.c.number)

balances = Table(
    "balances",
    metadata,
    Column("tenant_id", name_type, primary_key=True),
    Column("account", name_type, primary_key=True),
    Column("currency", name_type, primary_key=True),
    Column("debits", BigInteger, nullable=False),
    Column("credits", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""The sums of transfers by account and currency, which triggers on `transfers` keep."""

sessions = Table(
    "sessions",
    metadata,
    Column("tenant_id", name_type, primary_key=True),
    Column("recorded_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("id", name_type, primary_key=True),
    Column("station_id", name_type, nullable=False),
    Column("evse_id", BigInteger, nullable=False),
    Column("party", name_type, nullable=False),
    Column("source", name_type, nullable=False),
    Column("state", name_type, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("energy_mwh", BigInteger, nullable=False),
    Column("seconds", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""A row a session, in the order they were first heard of, to list them and to add them up."""
Index("sessions_station", sessions.c.tenant_id, sessions.c.station_id, sessions.c.recorded_ms, sessions.c.id)
Index(
    "sessions_state",
    sessions.c.tenant_id,
    sessions.c.state,
    sessions.c.recorded_ms,
    sessions.c.id,
    sqlite_where=sessions.c.state != "billed",
    postgresql_where=sessions.c.state != "billed",
)
Index(
    "sessions_party",
    sessions.c.tenant_id,
    sessions.c.party,
    sessions.c.recorded_ms,
    sessions.c.id,
    sqlite_where=sessions.c.party != "",
    postgresql_where=sessions.c.party != "",
)

bills = Table(
    "bills",
    metadata,
    Column("tenant_id", name_type, primary_key=True),
    Column("billed_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("id", name_type, primary_key=True),
    Column("account", name_type, nullable=False),
    Column("station_id", name_type, nullable=False),
    Column("evse_id", BigInteger, nullable=False),
    Column("party", name_type, nullable=False),
    Column("currency", name_type, nullable=False),
    Column("grade", Integer, nullable=False),
    Column("source", name_type, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("energy_mwh", BigInteger, nullable=False),
    Column("net", BigInteger, nullable=False),
    Column("tax", BigInteger, nullable=False),
    Column("reversed", Boolean, nullable=False),
    sqlite_with_rowid=False,
)
"""A row a bill, in the order they were made."""
Index("bills_station", bills.c.tenant_id, bills.c.station_id, bills.c.billed_ms, bills.c.id)
Index("bills_account", bills.c.tenant_id, bills.c.account, bills.c.billed_ms, bills.c.id)

rollups = Table(
    "rollups",
    metadata,
    Column("tenant_id", name_type, primary_key=True),
    Column("width", Integer, primary_key=True, autoincrement=False),
    Column("station_id", name_type, primary_key=True),
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    Column("evse_id", BigInteger, primary_key=True, autoincrement=False),
    Column("party", name_type, primary_key=True),
    Column("currency", name_type, primary_key=True),
    Column("grade", Integer, primary_key=True, autoincrement=False),
    Column("source", name_type, primary_key=True),
    *(Column(name, BigInteger, nullable=False) for name in SUM_COLUMNS),
    sqlite_with_rowid=False,
)
"""The sums of sessions and bills by time (`wattseal.rules.rollup`), which triggers on their tables keep."""

pending = Table(
    "pending",
    metadata,
    Column("position", position_type, primary_key=True, autoincrement=True),
    Column("tenant_id", name_type, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
"""SQLite only: each tenant's part of committed groups, not yet in the tables above (`sqlite_writer`)."""

probe = Table(
    "probe",
    metadata,
    Column("tenant_id", name_type, primary_key=True),
    Column("filler", LargeBinary, nullable=False),
)
"""Written and emptied again to learn whether a failed store takes writes; its only tenant is the empty string."""
