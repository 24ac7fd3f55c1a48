"""Sums of all stations and eMSPs together: what is read most costs the same, however many eMSPs there are.

Those of a journal that is there already are added up out of the sums by eMSP.
"""

from alembic import op

from wattseal.stores.migrations.rollup_triggers import KEY, SUMS, postgresql, sqlite

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KINDS = ((1, ""), (4, ""), (96, ""), (4, "*"), (96, "*"))
"""Quarters by station, hours and days of all of them by eMSP, and of all eMSPs."""


def upgrade() -> None:
    """Add up what is there, then let the triggers do so."""
    connection = op.get_bind()
    added = ", ".join(f"sum({column})" for column in SUMS)
    connection.exec_driver_sql(
        f"INSERT INTO rollups ({', '.join((*KEY, *SUMS))}) "  # noqa: S608 - constants only
        f"SELECT tenant_id, width, '*', at, 0, '', currency, grade, source, {added} FROM rollups "
        "WHERE width > 1 AND station_id = '' GROUP BY tenant_id, width, at, currency, grade, source"
    )
    is_sqlite = connection.dialect.name == "sqlite"
    for table in ("sessions", "bills"):
        for change in ("new", "same", "moved", "gone") if is_sqlite else ("insert", "update", "delete"):
            connection.exec_driver_sql(
                f"DROP TRIGGER {table}_rolled_{change}"
                if is_sqlite
                else f"DROP FUNCTION wattseal_{table}_{change} CASCADE"
            )
    for statement in (sqlite if is_sqlite else postgresql)(KINDS):
        connection.exec_driver_sql(statement)


def downgrade() -> None:
    """Refuse: restore a backup instead."""
    raise NotImplementedError("going back is not possible; restore a backup instead")
