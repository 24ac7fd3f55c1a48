"""Write the data directory that upgrade tests open for ever: tests/stores/data/format-N for today's format N.

    python tools/make_data_format.py

Run it once, when a format is new, and commit the result with the file `expected.json`; never again for that format.
Everything in it is made up from fixed seeds. Part of the journal is left pending, as a crash leaves it.
"""

import asyncio
import base64
import json
import shutil
import sqlite3
import sys
import tempfile
from contextlib import closing
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

from msgspec import structs

from wattseal.base.ids import Hash, Origin, StationId, Subject, TenantId
from wattseal.flow.ports import Batch, Dedup, Journal, Outgoing, Padding, Put, StoredItem
from wattseal.log.keys import SignatureType, SigningKey
from wattseal.stores.datadir import FORMAT, DataDir
from wattseal.stores.sqlite import SqliteJournal
from wattseal.stores.tiles import DiskLog

TARGET = Path(__file__).parents[1] / "tests" / "stores" / "data" / f"format-{FORMAT}"
TENANT = TenantId("cpo")
ORIGIN = Origin("CPO/S1")
STATION = StationId("S1")
SUBJECT = Subject(b"0123456789abcdef")
NOON_MS = 1_700_000_000_000
LOG_KEY = SigningKey("cpo.test/log", SignatureType.ED25519, sha256(b"data format").digest())


def item(seq: int) -> StoredItem:
    """Return every third item signed."""
    signed = seq % 3 == 0
    return StoredItem(
        origin=ORIGIN,
        stream=1,
        epoch=1 + seq // 6,
        seq=seq,
        kind=5,
        signed=signed,
        payload_hash=Hash(sha256(b"payload %d" % seq).digest()),
        item=b"\x82\x58item %d" % seq,
        station_id=STATION,
        recorded_at_ms=NOON_MS + seq,
        subject=SUBJECT if seq % 2 else None,
        leaf=Hash(sha256(b"leaf %d" % seq).digest()) if signed else None,
    )


async def fill(data: DataDir) -> dict[str, object]:
    """Write one of everything, and return what a reader must find."""
    journal = await SqliteJournal.open(data.prepare_journal())
    fork = StoredItem(ORIGIN, 1, 1, 2, 5, True, Hash(b"f" * 32), b"fork", STATION, NOON_MS, None, Hash(b"F" * 32))  # noqa: FBT003
    puts = (
        Put("station", "S1", 1, b'{"id":"S1"}', NOON_MS, STATION),
        Put("transaction", "S1/7", 1, b'{"wh":"12.50"}', NOON_MS, STATION, active=False),
        Put("transaction", "S1/8", 1, b"{}", NOON_MS, STATION, active=True),
    )
    await journal.commit(Batch(TENANT, tuple(map(item, range(10))), puts, (Dedup(STATION, "start/7", b"answer"),)))
    padded = await journal.commit(Batch(TENANT, padding=Padding(0, tuple(bytes([n]) * 32 for n in range(8)))))
    log = DiskLog.open(data.log_dir(TENANT), LOG_KEY)
    signed = log.integrate(await journal.leaves(TENANT, 0, padded.log_size))
    await journal.commit(Batch(TENANT, (item(10), item(12), fork), outbox=(Outgoing("cdr/7", "cdr", b"{}", NOON_MS),)))
    with closing(sqlite3.connect(data.journal_file)) as live, closing(sqlite3.connect(TARGET / "copy")) as copy:
        live.backup(copy)
        if copy.execute("SELECT count(*) FROM pending").fetchone() == (0,):
            sys.exit("nothing was pending; run it again")
    found = await read(journal)
    await journal.close()
    return found | {"checkpoint": signed.encode().decode()}


async def read(journal: Journal) -> dict[str, object]:
    """Return everything the port shows, ready for JSON."""
    found = {
        "items": [asdict(kept) | {"item": structs.asdict(kept.item)} for kept in await journal.replay(TENANT)],
        "leaves": await journal.leaves(TENANT),
        "stations": [structs.asdict(put) for put in await journal.documents(TENANT, "station")],
        "transactions": [structs.asdict(put) for put in await journal.documents(TENANT, "transaction")],
        "answer": await journal.answer(TENANT, STATION, "start/7"),
        "outbox": [structs.asdict(message) for message in await journal.outbox(TENANT, NOON_MS)],
    }
    plain: dict[str, object] = json.loads(json.dumps(found, default=_base64))
    return plain


def _base64(value: object) -> str:
    if not isinstance(value, bytes):
        raise TypeError(type(value))
    return base64.b64encode(value).decode()


def main() -> None:
    """Make the directory, unless it is there."""
    if TARGET.exists():
        sys.exit(f"{TARGET} exists: a format that was published is never made again")
    TARGET.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder, DataDir.open(Path(folder) / "data", "cpo") as data:
        data.keys.create("log.pem", LOG_KEY.to_pem())
        expected = asyncio.run(fill(data))
        (TARGET / "copy").rename(TARGET / "journal.sqlite3")
        for name in ("FORMAT", "keys", "log"):
            source = data.path / name
            (shutil.copytree if source.is_dir() else shutil.copyfile)(source, TARGET / name)
        (TARGET / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
