"""The journal: items, leaves, documents, answers, outbox, pending, probe.

A migration never imports `schema`: it must go on building what it built on the day it was written.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def name(column: str, *, primary_key: bool = False, nullable: bool = False) -> sa.Column[str]:
    """Return a text column ordered by its bytes."""
    text = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
    return sa.Column(column, text, primary_key=primary_key, nullable=nullable)


def position() -> sa.Column[int]:
    """Return a 64-bit row number, the primary key."""
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    return sa.Column("position", number, primary_key=True, autoincrement=True)


def upgrade() -> None:
    """Create the first format's tables."""
    create_items()
    create_documents()
    op.create_table(
        "leaves",
        name("tenant_id", primary_key=True),
        sa.Column("log_index", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("entry", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "answers",
        name("tenant_id", primary_key=True),
        name("station_id", primary_key=True),
        name("key", primary_key=True),
        sa.Column("answer", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "outbox",
        name("tenant_id", primary_key=True),
        name("id", primary_key=True),
        name("kind"),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("next_at_ms", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
    )
    op.create_index("outbox_due", "outbox", ["tenant_id", "next_at_ms"])
    op.create_table(
        "pending",
        position(),
        name("tenant_id"),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "probe",
        name("tenant_id", primary_key=True),
        sa.Column("filler", sa.LargeBinary, nullable=False),
    )


def create_items() -> None:
    """Create the items with their place and subject indexes."""
    op.create_table(
        "items",
        position(),
        name("tenant_id"),
        name("origin"),
        sa.Column("stream", sa.BigInteger, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("payload_hash", sa.LargeBinary, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("kind", sa.Integer, nullable=False),
        sa.Column("signed", sa.Boolean, nullable=False),
        sa.Column("subject", sa.LargeBinary),
        sa.Column("item", sa.LargeBinary, nullable=False),
        sa.Column("log_index", sa.BigInteger),
        name("station_id"),
        sa.Column("recorded_at_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("items_place", "items", ["tenant_id", "origin", "stream", "epoch", "seq", "digest"], unique=True)
    present = sa.text("subject IS NOT NULL")
    op.create_index("items_subject", "items", ["tenant_id", "subject"], sqlite_where=present, postgresql_where=present)


def create_documents() -> None:
    """Create the documents with an index for each filter."""
    op.create_table(
        "documents",
        name("tenant_id", primary_key=True),
        name("kind", primary_key=True),
        name("key", primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger, nullable=False),
        name("station_id", nullable=True),
        sa.Column("active", sa.Boolean),
    )
    present, active = sa.text("station_id IS NOT NULL"), sa.text("active")
    op.create_index(
        "documents_station",
        "documents",
        ["tenant_id", "kind", "station_id", "key"],
        sqlite_where=present,
        postgresql_where=present,
    )
    op.create_index(
        "documents_active", "documents", ["tenant_id", "kind", "key"], sqlite_where=active, postgresql_where=active
    )


def downgrade() -> None:
    """Refuse: records are kept, not unmade. Restore a backup instead."""
    raise NotImplementedError("there is nothing before the first format; restore a backup instead")
