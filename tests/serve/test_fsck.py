"""`wattseal fsck` names what was changed behind the product's back, and finds nothing in an honest directory."""

import asyncio
import json
import os
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.cpo_process import Caller, Cpo, Nursery

from wattseal.app.fsck import run_fsck
from wattseal.base.errors import ConfigError
from wattseal.model.verdict import Finding


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory in which one station has charged twice, some checkpoints later."""
    nursery = Nursery()
    data = tmp_path_factory.mktemp("fsck") / "cpo"
    cpo = nursery.start(data)
    cpo.enrol("ST1")
    cpo.add_token()
    asyncio.run(_charges(cpo))
    cpo.kill(signal.SIGTERM)
    asyncio.run(cpo.gone())
    yield data
    nursery.close()


async def _charges(cpo: Cpo) -> None:
    async with cpo.dial("ST1") as socket:
        station = Caller(socket)
        for hour in (1, 2):
            at = f"2026-01-01T0{hour}:00:00Z"
            start = {"connectorId": 1, "idTag": "CARD", "meterStart": hour * 1000, "timestamp": at}
            number = (await station.call("StartTransaction", start))["transactionId"]
            sample = {"timestamp": at, "sampledValue": [{"value": str(hour * 1000 + 100)}]}
            await station.call("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": [sample]})
            stop = {"transactionId": number, "meterStop": hour * 1000 + 500, "timestamp": at}
            await station.call("StopTransaction", stop)
        tampered = {"type": "TamperDetectionActivated", "timestamp": "2026-01-01T03:00:00Z"}
        await station.call("SecurityEventNotification", tampered)
    while not all(one["said"] for one in (await cpo.asked("GET", "/api/v1/alarms")).json()):  # noqa: ASYNC110 - another process
        await asyncio.sleep(0.1)
    shown = (await cpo.asked("GET", "/api/v1/transactions")).json()
    for charge in shown:
        while (await cpo.asked("GET", f"/api/v1/transactions/{charge['id']}/bundle")).status == 202:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.1)


async def findings(data: Path) -> tuple[Finding, ...]:
    return (await run_fsck(data, trust_file=None)).findings


async def test_an_honest_directory_holds_and_is_not_changed(honest: Path) -> None:
    before = contents(honest)
    assert await findings(honest) == ()
    assert contents(honest) == before


def contents(data: Path) -> dict[Path, bytes]:
    return {p: p.read_bytes() for p in data.rglob("*") if p.is_file()}


Edit = Callable[[sqlite3.Connection], object]


def lower_bill(db: sqlite3.Connection) -> None:
    key, body = db.execute("SELECT key, body FROM documents WHERE kind = 'transaction' LIMIT 1").fetchone()
    document = json.loads(body) | {"end_wh": "1"}
    db.execute("UPDATE documents SET body = ? WHERE kind = 'transaction' AND key = ?", (json.dumps(document), key))


def change_alarm(**changes: object) -> Edit:
    def edit(db: sqlite3.Connection) -> None:
        where = "kind = 'alarm' AND CAST(body AS TEXT) LIKE '%security_event%'"
        key, body = db.execute(f"SELECT key, body FROM documents WHERE {where}").fetchone()  # noqa: S608 - fixed
        document = json.dumps(json.loads(body) | changes)
        db.execute("UPDATE documents SET body = ? WHERE kind = 'alarm' AND key = ?", (document, key))

    return edit


def flip_last_byte(column: str, table: str, where: str) -> Edit:
    def edit(db: sqlite3.Connection) -> None:
        row, value = db.execute(f"SELECT rowid, {column} FROM {table} WHERE {where} LIMIT 1").fetchone()  # noqa: S608 - fixed
        changed = bytes([*value[:-1], value[-1] ^ 1])
        db.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (changed, row))  # noqa: S608 - fixed

    return edit


def change_leaf(db: sqlite3.Connection) -> None:
    db.execute("UPDATE leaves SET entry = ? WHERE log_index = (SELECT max(log_index) FROM items)", (os.urandom(32),))


OF_ALL = "UPDATE rollups SET seconds = seconds + 1 WHERE station_id = '*'"
EDITS: list[tuple[str, Edit, str, str]] = [
    ("projection", lower_bill, "projection_differs", "field end_wh"),
    (
        "projection gone",
        lambda db: db.execute("DELETE FROM documents WHERE kind = 'transaction'"),
        "projection_missing",
        "transaction",
    ),
    ("frame", flip_last_byte("item", "items", "kind = 7"), "content_altered", "stream 1"),
    ("hash", flip_last_byte("payload_hash", "items", "kind = 5"), "column_differs", "stream 1"),
    ("record gone", lambda db: db.execute("DELETE FROM items WHERE kind = 6"), "chain_broken", "stream 1"),
    (
        "first record gone",
        lambda db: db.execute("DELETE FROM items WHERE kind = 1 AND stream = 1"),
        "chain_broken",
        "seq 1",
    ),
    (
        "all records of a charge gone",
        lambda db: db.execute("DELETE FROM items WHERE subject IS NOT NULL"),
        "projection_without_records",
        "transaction",
    ),
    ("log entry", change_leaf, "log_entry_differs", "record"),
    (
        "list",
        lambda db: db.execute("UPDATE sessions SET energy_mwh = energy_mwh - 1"),
        "session_row_differs",
        "field energy_mwh",
    ),
    ("list state", lambda db: db.execute("UPDATE sessions SET state = 'open'"), "session_row_differs", "field state"),
    ("list spoilt", lambda db: db.execute("UPDATE sessions SET at_ms = 'never'"), "rows_unreadable", "rows"),
    ("list cut", lambda db: db.execute("DELETE FROM sessions"), "session_row_missing", "session row"),
    (
        "list of more",
        lambda db: db.execute(
            "INSERT INTO sessions SELECT tenant_id, 1, 'x', 'ST1', 1, '', source, state, 1, 1, 1 FROM sessions LIMIT 1"
        ),
        "session_row_without_records",
        "session row x",
    ),
    ("sum", lambda db: db.execute("UPDATE rollups SET energy_mwh = 1"), "sum_differs", "all stations"),
    ("sum of all", lambda db: db.execute(OF_ALL), "sum_differs", "every party"),
    ("sum gone", lambda db: db.execute("DELETE FROM rollups WHERE width = 1"), "sum_missing", "station ST1 EVSE 1"),
    ("alarm closed", change_alarm(state="closed"), "alarm_differs", "field state"),
    ("alarm cleared long ago", change_alarm(state="cleared", over_ms=1), "alarm_differs", "field state"),
    ("alarm belittled", change_alarm(severity="notice"), "alarm_differs", "field severity"),
    ("alarm without its record", change_alarm(said="00" * 32), "alarm_differs", "field said"),
    (
        "alarm put away",
        lambda db: db.execute("UPDATE documents SET active = 0 WHERE kind = 'alarm'"),
        "alarm_differs",
        "field active",
    ),
    ("alarms gone", lambda db: db.execute("DELETE FROM documents WHERE kind = 'alarm'"), "alarm_missing", "alarm"),
    ("log cut", lambda db: db.execute("DELETE FROM leaves WHERE log_index > 2"), "log_rolled_back", "checkpoint"),
]


@pytest.mark.parametrize(("edit", "code", "where"), [e[1:] for e in EDITS], ids=[e[0] for e in EDITS])
async def test_an_edit_from_outside_is_named(honest: Path, tmp_path: Path, edit: Edit, code: str, where: str) -> None:
    data = tmp_path / "cpo"
    shutil.copytree(honest, data)
    with closing(sqlite3.connect(data / "journal.sqlite3")) as database, database:
        edit(database)
    found = await findings(data)
    assert [f for f in found if f.code == code and where in f.field], found


async def test_a_tile_changed_on_disk_is_named(honest: Path, tmp_path: Path) -> None:
    data = tmp_path / "cpo"
    shutil.copytree(honest, data)
    tile = max((data / "log").rglob("entries/*.p/*"), key=lambda path: int(path.name))
    content = tile.read_bytes()
    tile.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert "entry_changed" in {f.code for f in await findings(data)}


async def test_another_parties_key_signs_nothing_here(honest: Path, tmp_path: Path) -> None:
    data = tmp_path / "cpo"
    shutil.copytree(honest, data)
    (data / "keys" / "csms-sign.pem").write_bytes((data / "keys" / "billing-sign.pem").read_bytes())
    assert "signer_not_entitled" in {f.code for f in await findings(data)}


async def test_a_directory_that_is_none_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        await run_fsck(tmp_path, trust_file=None)
