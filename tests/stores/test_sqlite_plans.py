"""How SQLite goes about the queries that a journal of any size must answer."""

import itertools
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from wattseal.flow.ports import RowsWanted
from wattseal.model.rollup import QUARTER_MS, SessionState
from wattseal.stores import queries, rollups
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


def filters() -> Iterator[RowsWanted]:
    """Every combination of filters."""
    for since, station, party, state in itertools.product(
        (None, 5), (None, "S"), (None, "", "DE*AAA"), (None, *SessionState)
    ):
        yield RowsWanted(limit=10, since_ms=since, station_id=station, party=party, state=state)


def test_lists_of_sessions_walk_an_index_from_the_page_before_on(tmp_path: Path) -> None:
    file = tmp_path / "journal.sqlite3"
    migrate(f"sqlite:///{file}")
    for wanted in filters():
        sql, parameters = rollups.sessions_query("cpo", wanted, rollups.sessions_index(wanted))
        told = plan(file, sql, len(parameters))
        assert "TEMP B-TREE" not in told, (wanted, told)
        assert "SCAN" not in told, (wanted, told)
        assert "(recorded_ms,id)<(?,?)" in told, (wanted, told)
        assert "d USING INDEX sqlite_autoindex_documents_1 (tenant_id=? AND kind=? AND key=?)" in told


def test_rare_states_are_found_by_their_index_and_not_among_all_sessions(tmp_path: Path) -> None:
    file = tmp_path / "journal.sqlite3"
    migrate(f"sqlite:///{file}")
    rare = RowsWanted(limit=10, state=SessionState.QUARANTINED, station_id="S")
    sql, parameters = rollups.sessions_query("cpo", rare, rollups.sessions_index(rare))
    assert "sessions_state (tenant_id=? AND state=? AND (recorded_ms,id)<(?,?))" in plan(file, sql, len(parameters))
    untold = rollups.sessions_query("cpo", RowsWanted(limit=10, state=SessionState.QUARANTINED))
    assert "sessions_state" not in plan(file, untold[0], 4)


def test_lists_of_bills_walk_an_index_from_the_page_before_on(tmp_path: Path) -> None:
    file = tmp_path / "journal.sqlite3"
    migrate(f"sqlite:///{file}")
    for station, account in itertools.product((None, "S"), (None, "house")):
        sql, parameters = rollups.bills_query("cpo", RowsWanted(limit=10, station_id=station, account=account))
        told = plan(file, sql, len(parameters))
        assert "TEMP B-TREE" not in told, told
        assert "SCAN" not in told, told
        assert "billed_ms" in told, told


def test_sums_are_read_by_their_key_and_states_counted_by_theirs(tmp_path: Path) -> None:
    file = tmp_path / "journal.sqlite3"
    migrate(f"sqlite:///{file}")
    hours = [n * 4 * QUARTER_MS for n in (22, 46, 70)]
    for bounds, stations in ((hours, None), (hours, ("S1", "S2")), ([1 * QUARTER_MS, 3 * QUARTER_MS], None)):
        asked = rollups.rollups_query("cpo", bounds, stations, ("DE*AAA",))
        told = plan(file, asked.sql, len(asked.parameters))
        key = "r USING PRIMARY KEY (tenant_id=? AND width=? AND station_id=? AND at>? AND at<?)"
        assert told.count(key) == 2, told
        assert "SCAN rollups" not in told, told
        assert "SCAN r" not in told, told
    assert "sessions_state (tenant_id=? AND state=?)" in plan(file, rollups.OPEN, 1)
    assert "SEARCH rollups USING PRIMARY KEY (tenant_id=? AND width=? AND station_id=?)" in plan(file, rollups.ENDED, 1)
    assert "TEMP B-TREE" not in plan(file, rollups.ALL_SUMS, 10)
