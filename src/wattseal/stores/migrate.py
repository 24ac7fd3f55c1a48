"""Bring a database to the newest schema, or refuse one that is newer than this program.

The same migrations run on SQLite and PostgreSQL. They are code of this package: no configuration file is involved.
"""

import asyncio
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from wattseal.base.errors import ConfigError, StoreError

_LOCK: Final = 0x77617474
"""PostgreSQL advisory lock under which one process at a time migrates."""


def migrate(url: str) -> str:
    """Migrate the database at `url` ("sqlite:///PATH" or "postgresql://...") to the newest schema; return its revision.

    `ConfigError` where the address is none or the database was written by a newer wattseal, `StoreError` where it
    cannot be reached or changed. Runs outside an event loop (it starts one for PostgreSQL).
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "postgresql":
            return asyncio.run(_migrate_postgres(parsed.set(drivername="postgresql+asyncpg")))
        return _migrate_sqlite(parsed)
    except ArgumentError as error:
        raise ConfigError("not a database address; expected sqlite:///PATH or postgresql://...") from error
    except (SQLAlchemyError, OSError) as error:
        raise StoreError(f"the database cannot be migrated: {error}", subject=_shown(url)) from error


def head() -> str:
    """Return the newest revision among the migration scripts."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def _migrate_sqlite(url: URL) -> str:
    engine = create_engine(url, poolclass=NullPool, connect_args={"isolation_level": None, "timeout": 30})
    with engine.begin() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # the driver would begin only at the first row, after the tables
        return _upgrade(connection)


async def _migrate_postgres(url: URL) -> str:
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            return await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> str:
    config = _config()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    heads = MigrationContext.configure(connection).get_current_heads()
    if len(heads) > 1:
        told = (
            f"the database is damaged, it says that it is at {len(heads)} schemas at once: leave it as it is, and make"
        )
        raise StoreError(f"{told} another one from a backup", code="journal_damaged", subject=" ".join(heads))
    present = next(iter(heads), None)
    if present is not None and present not in known:
        raise ConfigError(
            f"the database is at schema {present}, which this wattseal does not know: it was used by a newer one. "
            "Install that version or a later one; going back is not possible",
            code="database_too_new",
            subject=present,
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    return MigrationContext.configure(connection).get_current_revision() or ""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config


def _shown(url: str) -> str:
    return make_url(url).render_as_string(hide_password=True)
