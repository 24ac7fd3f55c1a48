"""`wattseal migrate`: bring a journal to the newest schema."""

from pathlib import Path

import cyclopts

from wattseal.base.errors import ConfigError
from wattseal.cli.output import JsonOutput, json_line
from wattseal.stores.datadir import DataDir, schema_of
from wattseal.stores.migrate import migrate as migrate_database

app = cyclopts.App(name="migrate", help="Bring a journal to the newest schema.")


@app.default
def migrate(*, data: Path | None = None, url: str | None = None, json: JsonOutput = False) -> None:
    """Bring a journal to the newest schema; doing it again changes nothing.

    Take a backup first: there is no way back. The owner of a data directory must be stopped.

    Parameters
    ----------
    data
        Data directory whose SQLite journal to migrate.
    url
        Database to migrate instead, such as postgresql://user@localhost/wattseal.
    """
    if (data is None) == (url is None):
        raise ConfigError("give either --data or --url", code="usage")
    if data is not None:
        with DataDir.existing(data) as directory:
            before = schema_of(directory.journal_file)
            revision = migrate_database(f"sqlite:///{directory.journal_file}")
    else:
        before, revision = None, migrate_database(url or "")
    if json:
        print(json_line({"schema": revision, "before": before}))
    else:
        print(f"schema {revision}" + (f", was {before}" if before not in {None, revision} else ""))
