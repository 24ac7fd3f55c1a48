import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from tests.stores import before_rollups
from tests.stores.journal_contract import T1, T2
from tools.make_data_format import LOG_KEY, TENANT, item, read

from wattseal.flow.ports import Batch
from wattseal.stores.datadir import FORMAT, DataDir, schema_of
from wattseal.stores.ledger import Numbering
from wattseal.stores.migrate import migrate
from wattseal.stores.plan import plan
from wattseal.stores.revision import HEAD
from wattseal.stores.sqlite import SqliteJournal
from wattseal.stores.sqlite_tables import encode
from wattseal.stores.tiles import DiskLog

FORMATS = sorted((Path(__file__).parent / "data").glob("format-*"))


def copied(source: Path, target: Path) -> Path:
    """Copy a committed directory, with the modes a version control system does not keep."""
    shutil.copytree(source, target)
    for path in (target / "keys").iterdir():
        path.chmod(0o600)
    return target


def test_there_is_a_directory_of_every_format_so_far() -> None:
    assert [path.name for path in FORMATS] == [f"format-{n}" for n in range(1, FORMAT + 1)]


@pytest.mark.parametrize("source", FORMATS, ids=lambda path: path.name)
async def test_a_directory_of_every_format_opens_and_is_read_back_whole(source: Path, tmp_path: Path) -> None:
    expected = json.loads((source / "expected.json").read_text())
    checkpoint = expected.pop("checkpoint").encode()
    with DataDir.open(copied(source, tmp_path / "data"), "cpo") as data:
        journal = await SqliteJournal.open(data.prepare_journal())
        assert schema_of(data.journal_file) == HEAD
        assert await read(journal) == expected
        assert data.keys.read("log.pem") == LOG_KEY.to_pem()
        log = DiskLog.open(data.log_dir(TENANT), LOG_KEY)
        assert log.latest is not None
        assert log.latest.encode() == checkpoint
        size = await journal.log_size(TENANT)
        log.integrate(await journal.leaves(TENANT, log.size))
        assert log.size == size
        told = await journal.commit(Batch(TENANT, items=(item(12), item(15))))
        assert told.indexes[item(15).payload_hash] == size
        await journal.close()


async def kept(file: Path) -> tuple[before_rollups.Kept, before_rollups.Kept]:
    journal = await SqliteJournal.open(file)
    found = await before_rollups.all_kept(journal, T1), await before_rollups.all_kept(journal, T2)
    await journal.close()
    return found


@pytest.mark.parametrize("waiting", [False, True], ids=["in tables", "in pending"])
async def test_lists_and_sums_of_an_older_journal_are_those_it_would_have(tmp_path: Path, *, waiting: bool) -> None:
    file = tmp_path / "journal.sqlite3"
    migrate(f"sqlite:///{file}")
    journal = await SqliteJournal.open(file)
    batches = before_rollups.batches()
    for batch in batches:
        await journal.commit(batch)
    await journal.close()
    expected = await kept(file)
    assert all(expected[0])
    with closing(sqlite3.connect(file)) as database, database:
        for statement in before_rollups.DROPPED:
            database.execute(statement)
        if waiting:
            database.execute("UPDATE documents SET body = '{}'")
            for batch in batches:
                puts = Batch(batch.tenant, puts=batch.puts)
                blob = encode(plan([puts], {batch.tenant: 0}, {}, Numbering()))
                older = msgspec.msgpack.encode([2, *msgspec.msgpack.decode(blob)[1:10]])
                database.execute("INSERT INTO pending (tenant_id, body) VALUES (?, ?)", (batch.tenant, older))
    migrate(f"sqlite:///{file}")
    assert await kept(file) == expected
