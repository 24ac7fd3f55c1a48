"""Measure the journal: rows per second and per CPU-second, in group commits, on the disk under the given directory.

    python -m bench.journal [--rows 200000] [--clients 200] [--dir DIR]

`batches` has eight commits of many rows under way; `clients` is the server's pattern: as many tasks, each with one
small commit under way. Beside them, plain `executemany` into the same table as the yardstick.
"""

import argparse
import asyncio
import json
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from bench.measure import Row

from wattseal.base.ids import Hash, Origin, StationId, TenantId
from wattseal.flow.ports import Batch, Dedup, StoredItem
from wattseal.stores.migrate import migrate
from wattseal.stores.sqlite import SqliteJournal
from wattseal.stores.sqlite_writer import open_connection

TENANT = TenantId("bench")
CLIENTS = "journal: 200 clients, item + answer a commit"


def item(station: int, seq: int, size: int) -> StoredItem:
    """Return a link of `size` bytes, every tenth one signed."""
    digest = Hash(sha256(b"%d/%d" % (station, seq)).digest())
    signed = seq % 10 == 0
    return StoredItem(
        origin=Origin(f"CPO/S{station:05}"),
        stream=1,
        epoch=1,
        seq=seq,
        kind=3,
        signed=signed,
        payload_hash=digest,
        item=digest * (size // 32),
        station_id=StationId(f"S{station:05}"),
        recorded_at_ms=seq,
        leaf=digest if signed else None,
    )


def used() -> tuple[float, float]:
    """Return wall and CPU seconds so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return time.perf_counter(), usage.ru_utime + usage.ru_stime


def result(name: str, rows: int, start: tuple[float, float]) -> dict[str, object]:
    wall, cpu = (after - before for after, before in zip(used(), start, strict=True))
    return {"name": name, "rows": rows, "rows_per_s": round(rows / wall), "rows_per_cpu_s": round(rows / cpu)}


def yardstick(path: Path, rows: int, group: int) -> dict[str, object]:
    """Insert with executemany, one commit per `group` rows."""
    connection = open_connection(path)
    insert = (
        "INSERT INTO items (tenant_id, origin, stream, epoch, seq, digest, payload_hash, kind, signed, item, "
        "station_id, recorded_at_ms) VALUES ('yard', ?, 1, 1, ?, ?, ?, 3, 0, ?, ?, ?)"
    )
    values = [
        (i.origin, i.seq, i.payload_hash[:16], i.payload_hash, i.item, i.station_id, i.recorded_at_ms)
        for i in (item(n % 200, n, 256) for n in range(rows))
    ]
    start = used()
    for begin in range(0, rows, group):
        connection.execute("BEGIN")
        connection.executemany(insert, values[begin : begin + group])
        connection.execute("COMMIT")
    outcome = result(f"yardstick: executemany, {group} rows a commit", rows, start)
    connection.close()
    return outcome


async def batches(path: Path, rows: int, group: int) -> dict[str, object]:
    """Await commits of `group` rows, eight under way."""
    journal = await SqliteJournal.open(path)
    made = [
        Batch(TENANT, items=tuple(item(n % 200, n, 256) for n in range(begin, begin + group)))
        for begin in range(0, rows, group)
    ]
    start = used()
    for begin in range(0, len(made), 8):
        await asyncio.gather(*(journal.commit(batch) for batch in made[begin : begin + 8]))
    outcome = result(f"journal: batches of {group} rows", rows, start)
    await journal.close()
    return outcome


async def clients(path: Path, rows: int, count: int) -> dict[str, object]:
    """Let `count` tasks commit one item and one answer at a time."""
    journal = await SqliteJournal.open(path)
    each = rows // count
    made = [
        [
            Batch(
                TENANT,
                items=(item(1000 + station, seq, 512),),
                dedups=(Dedup(StationId(f"S{station}"), f"event:{seq}", b"{}"),),
            )
            for seq in range(each)
        ]
        for station in range(count)
    ]

    async def station(own: list[Batch]) -> None:
        for batch in own:
            await journal.commit(batch)

    start = used()
    await asyncio.gather(*(station(own) for own in made))
    outcome = result(CLIENTS if count == 200 else f"journal: {count} clients", each * count, start)
    await journal.close()
    return outcome


def measure(*, quick: bool = False) -> list[Row]:
    """Return rows per CPU-second of each way, against plain `executemany`."""
    rows = 4_000 if quick else 60_000
    runs: list[Callable[[Path], dict[str, Any]]] = [
        lambda path: yardstick(path, rows, 100),
        lambda path: asyncio.run(batches(path, rows, 100)),
        lambda path: asyncio.run(clients(path, rows, 200)),
    ]
    found: list[list[dict[str, Any]]] = [[] for _ in runs]
    for _ in range(1 if quick else 3):
        for run, outcomes in zip(runs, found, strict=True):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "journal.sqlite3"
                migrate(f"sqlite:///{path}")
                outcomes.append(run(path))
    rates = [statistics.median(o["rows_per_cpu_s"] for o in outcomes) for outcomes in found]
    group, base = "Journal, SQLite with synchronous=FULL", "plain executemany"
    return [
        Row(group, outcomes[0]["name"], rate, "rows/CPU-s", rate / rates[0], base)
        for outcomes, rate in zip(found, rates, strict=True)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--dir", type=Path, default=None)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    runs: list[Callable[[Path], dict[str, object]]] = [
        lambda path: yardstick(path, options.rows, 100),
        lambda path: asyncio.run(batches(path, options.rows, 100)),
        lambda path: asyncio.run(batches(path, options.rows, 1000)),
        lambda path: asyncio.run(clients(path, options.rows, options.clients)),
    ]
    outcomes = []
    for run in runs:
        with tempfile.TemporaryDirectory(dir=options.dir) as folder:
            path = Path(folder) / "journal.sqlite3"
            migrate(f"sqlite:///{path}")
            outcomes.append(run(path))
    if options.json:
        json.dump(outcomes, sys.stdout, indent=2)
        return
    base = outcomes[0]["rows_per_cpu_s"]
    for outcome in outcomes:
        ratio = outcome["rows_per_cpu_s"] / base if isinstance(base, int) else 0  # type: ignore[operator] # ints
        print(f"{outcome['name']:<52} {outcome['rows_per_s']:>9}/s {outcome['rows_per_cpu_s']:>9}/CPU-s {ratio:5.2f}x")


if __name__ == "__main__":
    main()
