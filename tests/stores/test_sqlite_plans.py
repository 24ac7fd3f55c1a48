"""How SQLite goes about the queries that a journal of any size must answer."""

import sqlite3
from contextlib import closing
from pathlib import Path

from wattseal.stores import queries
from wattseal.stores.migrate import migrate


def plan(file: Path, query: str, parameters: int) -> str:
    with closing(sqlite3.connect(file)) as database:
        rows = database.execute("EXPLAIN QUERY PLAN " + query.replace("$", "?"), [1] * parameters)
        return "; ".join(row[3] for row in rows)


def test_replaying_walks_the_items_and_sorts_nothing(tmp_path: Path) -> None:
    file = tmp_path / "journal.sqlite3"
    migrate(f"sqlite:///{file}")
    assert "TEMP B-TREE" not in plan(file, queries.REPLAY, 3)
    by_tenant = queries.REPLAY.replace("(i.tenant_id || '')", "i.tenant_id")
    assert "TEMP B-TREE" in plan(file, by_tenant, 3)
