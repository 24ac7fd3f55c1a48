"""The ledger: postings, transfers, balances, and the triggers that let rows be added and nothing else.

What the database itself holds, on SQLite and on PostgreSQL: a posting or transfer is never changed or removed; a
posting takes no more transfers than it says it has; a transfer moves more than nothing between two accounts, in its
posting's currency; and each transfer adds its amount once to the debits and once to the credits of that currency, so
that the balances of a currency come to zero.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def name(column: str, *, primary_key: bool = False) -> sa.Column[str]:
    """Return a text column ordered by its bytes."""
    text = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
    return sa.Column(column, text, primary_key=primary_key, nullable=False)


def number(column: str, *, primary_key: bool = False) -> sa.Column[int]:
    """Return a column of 64-bit numbers."""
    return sa.Column(column, sa.BigInteger, primary_key=primary_key, autoincrement=False, nullable=False)


def upgrade() -> None:
    """Create the ledger's tables, then the triggers."""
    op.create_table(
        "postings",
        name("tenant_id", primary_key=True),
        number("number", primary_key=True),
        name("key"),
        name("kind"),
        name("currency"),
        number("at_ms"),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("subject", sa.LargeBinary),
        sa.Column("refs", sa.LargeBinary, nullable=False),
        name("memo"),
        sa.Column("record", sa.LargeBinary, nullable=False),
    )
    op.create_index("postings_key", "postings", ["tenant_id", "key"], unique=True)
    op.create_table(
        "transfers",
        name("tenant_id", primary_key=True),
        number("number", primary_key=True),
        sa.Column("ordinal", sa.Integer, primary_key=True, autoincrement=False),
        name("debit"),
        name("credit"),
        number("amount"),
        sa.CheckConstraint("amount > 0 AND amount <= 1000000000000000", name="transfers_amount"),
        sa.CheckConstraint("debit <> credit", name="transfers_accounts"),
        sqlite_with_rowid=False,
    )
    op.create_index("transfers_debit", "transfers", ["tenant_id", "debit", "number"])
    op.create_index("transfers_credit", "transfers", ["tenant_id", "credit", "number"])
    op.create_table(
        "balances",
        name("tenant_id", primary_key=True),
        name("account", primary_key=True),
        name("currency", primary_key=True),
        number("debits"),
        number("credits"),
        sqlite_with_rowid=False,
    )
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Refuse: what is posted is kept. Restore a backup instead."""
    raise NotImplementedError("postings are kept; restore a backup instead")


_REFUSAL = "the ledger is append-only"

SQLITE = (
    *(
        f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
        for table in ("postings", "transfers")
        for change in ("UPDATE", "DELETE")
    ),
    """
    CREATE TRIGGER postings_no_replace BEFORE INSERT ON postings BEGIN
      SELECT RAISE(ABORT, 'the ledger is append-only') WHERE EXISTS
        (SELECT 1 FROM postings WHERE tenant_id = NEW.tenant_id AND (number = NEW.number OR key = NEW.key));
    END""",
    """
    CREATE TRIGGER transfers_of_posting BEFORE INSERT ON transfers BEGIN
      SELECT RAISE(ABORT, 'a posting takes no more transfers than it has') WHERE NOT EXISTS
        (SELECT 1 FROM postings
         WHERE tenant_id = NEW.tenant_id AND number = NEW.number AND NEW.ordinal BETWEEN 1 AND size);
      SELECT RAISE(ABORT, 'the ledger is append-only') WHERE EXISTS
        (SELECT 1 FROM transfers
         WHERE tenant_id = NEW.tenant_id AND number = NEW.number AND ordinal = NEW.ordinal);
    END""",
    """
    CREATE TRIGGER transfers_balances AFTER INSERT ON transfers BEGIN
      INSERT INTO balances SELECT tenant_id, NEW.debit, currency, NEW.amount, 0 FROM postings
        WHERE tenant_id = NEW.tenant_id AND number = NEW.number
        ON CONFLICT DO UPDATE SET debits = debits + excluded.debits;
      INSERT INTO balances SELECT tenant_id, NEW.credit, currency, 0, NEW.amount FROM postings
        WHERE tenant_id = NEW.tenant_id AND number = NEW.number
        ON CONFLICT DO UPDATE SET credits = credits + excluded.credits;
    END""",
    f"""
    CREATE TRIGGER balances_no_delete BEFORE DELETE ON balances BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END""",
    f"""
    CREATE TRIGGER balances_only_grow BEFORE UPDATE ON balances
      WHEN NEW.debits < OLD.debits OR NEW.credits < OLD.credits OR
        (NEW.tenant_id, NEW.account, NEW.currency) <> (OLD.tenant_id, OLD.account, OLD.currency)
      BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END""",
)
"""REPLACE removes rows without a trigger for it: what is there already is refused before it gets so far."""

POSTGRESQL = (
    f"""
    CREATE FUNCTION wattseal_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = 'restrict_violation'; END $$""",
    *(
        f"CREATE TRIGGER {table}_append_only BEFORE {changes} ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION wattseal_append_only()"
        for table, changes in (
            ("postings", "UPDATE OR DELETE OR TRUNCATE"),
            ("transfers", "UPDATE OR DELETE OR TRUNCATE"),
            ("balances", "DELETE OR TRUNCATE"),
        )
    ),
    """
    CREATE TRIGGER balances_only_grow BEFORE UPDATE ON balances FOR EACH ROW
      WHEN (NEW.debits < OLD.debits OR NEW.credits < OLD.credits OR
        (NEW.tenant_id, NEW.account, NEW.currency) IS DISTINCT FROM (OLD.tenant_id, OLD.account, OLD.currency))
      EXECUTE FUNCTION wattseal_append_only()""",
    """
    CREATE FUNCTION wattseal_transfers_added() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF EXISTS (SELECT 1 FROM added a LEFT JOIN postings p USING (tenant_id, number)
                   WHERE p.size IS NULL OR a.ordinal NOT BETWEEN 1 AND p.size) THEN
          RAISE EXCEPTION 'a posting takes no more transfers than it has' USING ERRCODE = 'restrict_violation';
        END IF;
        INSERT INTO balances AS b (tenant_id, account, currency, debits, credits)
          SELECT s.tenant_id, s.account, p.currency, sum(s.debits), sum(s.credits)
          FROM (SELECT tenant_id, number, debit AS account, amount AS debits, 0 AS credits FROM added
                UNION ALL SELECT tenant_id, number, credit, 0, amount FROM added) AS s
          JOIN postings p USING (tenant_id, number)
          GROUP BY s.tenant_id, s.account, p.currency
          ON CONFLICT (tenant_id, account, currency) DO UPDATE
          SET debits = b.debits + excluded.debits, credits = b.credits + excluded.credits;
        RETURN NULL;
      END $$""",
    """
    CREATE TRIGGER transfers_balances AFTER INSERT ON transfers REFERENCING NEW TABLE AS added
      FOR EACH STATEMENT EXECUTE FUNCTION wattseal_transfers_added()""",
)
