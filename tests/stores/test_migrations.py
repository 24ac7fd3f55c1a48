import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from wattseal.base.errors import ConfigError, StoreError
from wattseal.stores.datadir import schema_of
from wattseal.stores.fsck_tables import demand_whole
from wattseal.stores.migrate import head, migrate
from wattseal.stores.revision import HEAD
from wattseal.stores.schema import metadata
from wattseal.stores.sqlite_writer import open_connection


def test_the_migrations_build_exactly_the_schema(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.sqlite3'}"
    assert migrate(url) == HEAD == head()
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata) == []
    engine.dispose()


def test_migrating_again_changes_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.sqlite3'}"
    migrate(url)
    before = (tmp_path / "a.sqlite3").read_bytes()
    assert migrate(url) == HEAD
    assert (tmp_path / "a.sqlite3").read_bytes() == before


def test_every_table_has_the_tenant_and_every_key_begins_with_it() -> None:
    for table in metadata.tables.values():
        assert not table.c.tenant_id.nullable
        assert next(iter(table.primary_key)).name in {"tenant_id", "position"}
        for index in table.indexes:
            assert next(iter(index.columns)).name == "tenant_id"


def test_a_newer_database_is_refused_with_words(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite3"
    migrate(f"sqlite:///{path}")
    connection = sqlite3.connect(path)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    with pytest.raises(ConfigError, match="used by a newer one") as refused:
        migrate(f"sqlite:///{path}")
    assert refused.value.code == "database_too_new"


def test_a_database_that_says_two_schemas_at_once_is_refused_with_words(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite3"
    migrate(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO alembic_version VALUES ('0001')")
    with pytest.raises(StoreError, match="from a backup") as refused:
        migrate(f"sqlite:///{path}")
    assert refused.value.code == "journal_damaged"


def test_faults_of_a_file_that_are_no_text_are_told_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite3"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE kept (word NOT NULL)")
        connection.execute("INSERT INTO kept VALUES ('x')")
        connection.execute("CREATE TABLE lax (word)")
        connection.execute("INSERT INTO lax VALUES (NULL)")
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute(
            "UPDATE sqlite_master SET name = CAST(x'6C86' AS TEXT), tbl_name = CAST(x'6C86' AS TEXT), "
            "sql = CAST(x'435245415445205441424C45206C86' AS TEXT) || '(word NOT NULL)' WHERE name = 'lax'"
        )
    with pytest.raises(StoreError, match=r"is damaged .*NULL value in l") as refused:
        demand_whole(path)
    assert refused.value.code == "journal_damaged"


def test_a_schema_that_is_no_text_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite3"
    migrate(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute("UPDATE sqlite_master SET sql = CAST(x'4352454154458654' AS TEXT) WHERE name = 'probe'")
    for look in (schema_of, demand_whole, open_connection):
        with pytest.raises(StoreError) as refused:
            look(path)
        assert refused.value.code == "journal_damaged"


def test_a_migration_that_fails_half_way_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.sqlite3"
    upgrade = command.upgrade

    def then_fail(*arguments: Any, **named: Any) -> None:
        upgrade(*arguments, **named)
        raise OSError("power lost")

    monkeypatch.setattr(command, "upgrade", then_fail)
    with pytest.raises(StoreError, match="power lost"):
        migrate(f"sqlite:///{path}")
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    connection.close()


@pytest.mark.parametrize("url", ["", "nonsense", "postgresql//x"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigError):
        migrate(url)


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        migrate(f"sqlite:///{tmp_path / 'no' / 'a.sqlite3'}")
