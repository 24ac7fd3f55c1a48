"""Measure what the dashboard asks the journal for: revenue over 90 days of 10 million sessions, and lists of a million.

    python -m bench --only dashboard

The sessions are generated as a Parquet file, in which DuckDB adds them up ad hoc. The journal's sums, of all stations
and those of a site, are worked out of the same file and put where its triggers would have put them. For the lists, a
million sessions are inserted as rows with their documents, the triggers at work. CPU time of all threads, medians.
"""

import asyncio
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from pathlib import Path

import duckdb
from bench.measure import Row
from msgspec.structs import astuple, replace

from wattseal.base.ids import TenantId
from wattseal.flow.documents import put_transaction, put_unbilled
from wattseal.flow.ports import Batch, RowsWanted
from wattseal.model.revenue import StepSize
from wattseal.model.rollup import TOGETHER, ListedBill, SessionState
from wattseal.model.transaction import Billing, Transaction
from wattseal.rules.clock_steps import step_bounds, zone_of
from wattseal.rules.revenue import by_step, figures
from wattseal.rules.rollup import listed_session
from wattseal.stores.migrate import migrate
from wattseal.stores.plan import DOCUMENT_COLUMNS
from wattseal.stores.rollups import BILL_COLUMNS, SESSION_COLUMNS
from wattseal.stores.sqlite import SqliteJournal

GROUP = "Dashboard"
TENANT = TenantId("bench")
BEGIN_MS, DAYS, DAY_MS = 1_790_719_200_000, 90, 86_400_000
"""2026-09-30 00:00 in Berlin; the clocks go back within the 90 days."""
STATIONS, SITE = 1000, 20
NOT_AUTHORISED = "not_authorised"
ROLLUP_MS, AD_HOC_MS = 10.0, 150.0
TARGETED = ("in all, Berlin", "by day, Berlin")

GENERATE = f"""
COPY (SELECT {BEGIN_MS} + (hash(n) % {DAYS * DAY_MS})::BIGINT AS at_ms,
    'ST' || (hash(n + 0.1) % {STATIONS})::BIGINT AS station_id, 1 + (hash(n + 0.2) % 2)::BIGINT AS evse_id,
    ['CPO', 'DE*AAA', 'DE*BBB', 'NL*CCC'][1 + (hash(n + 0.3) % 4)::BIGINT] AS party,
    ['csms', 'meter', 'meter', 'station'][1 + (hash(n + 0.4) % 4)::BIGINT] AS source,
    CASE WHEN hash(n + 0.4) % 4 = 0 THEN 1 ELSE 3 END AS grade,
    5000000 + (hash(n + 0.5) % 60000000)::BIGINT AS energy_mwh, 600 + (hash(n + 0.6) % 9000)::BIGINT AS seconds,
    250 + (hash(n + 0.7) % 3000)::BIGINT AS net, 50 + (hash(n + 0.8) % 500)::BIGINT AS tax
    FROM range($sessions) t(n)) TO '$file' (FORMAT parquet)
"""  # noqa: S608 - constants only
AD_HOC = """
SELECT date_trunc('day', timezone('Europe/Berlin', to_timestamp(quarter * 900))) AS day, grade, source, sum(n), sum(wh),
    sum(s), sum(net), sum(tax) FROM (SELECT at_ms // 900000 AS quarter, grade, source, count(*) AS n,
    sum(energy_mwh) AS wh, sum(seconds) AS s, sum(net) AS net, sum(tax) AS tax FROM '$file' GROUP BY ALL)
GROUP BY ALL ORDER BY day
"""
"""Every zone's clock is a whole number of quarter hours from UTC: only so many times are converted."""
_SUMS = {
    "'', -1": "0, 0, 0, count(*), sum(energy_mwh), sum(seconds), 0, 0, 0, 0, 0, 0, 0",
    "'EUR', grade": "0, 0, 0, 0, sum(energy_mwh), 0, count(*), sum(net), sum(tax), 0, 0, 0, 0",
}
_KINDS = (
    (1, "station_id, evse_id, party", f"station_id IN {tuple(f'ST{n}' for n in range(SITE))}"),
    *((width, whose, "true") for width in (4, 96) for whose in ("'', 0, party", f"'{TOGETHER}', 0, ''")),
)
"""Width, whose sums, and of which sessions."""


def fill_sums(file: Path, parquet: str) -> None:
    """Put the sums of the generated sessions into the journal."""
    with closing(sqlite3.connect(file)) as database, database, duckdb.connect() as analyst:
        for width, whose, where in _KINDS:
            station, evse_id, party = whose.split(", ")
            for key, sums in _SUMS.items():
                rows = analyst.execute(
                    f"SELECT '{TENANT}', {width}, {station}, at_ms // 900000 // {width} * {width} AS quarter, "  # noqa: S608
                    f"{evse_id}, {party}, {key}, source, {sums} FROM '{parquet}' WHERE {where} "
                    "GROUP BY ALL ORDER BY ALL"
                ).fetchall()
                marks = ", ".join("?" * len(rows[0]))
                database.executemany(f"INSERT INTO rollups VALUES ({marks})", rows)  # noqa: S608 - constants only


def session(number: int, every_ms: int, shift_ms: int = 0) -> Transaction:
    """Return one of the sessions for lists; one in a thousand charges yet."""
    at_ms = BEGIN_MS + shift_ms + number * every_ms
    ended = number % 1000 != 1
    stands = state_of(number)
    return Transaction(
        id=f"{number * 0x9E3779B97F4A7C15 % 2**64:032x}",
        station_id=f"ST{number * 7919 % STATIONS}",
        recorded_ms=at_ms,
        transaction_id=str(number),
        evse_id=1 + number % 2,
        started_ms=at_ms,
        started="ab" * 32,
        ended="cd" * 32 if ended else None,
        ended_ms=at_ms + 3_600_000 if ended else None,
        party=("CPO", "DE*AAA", "DE*BBB", "NL*CCC")[number % 4],
        billing=Billing(stands.value) if ended else Billing.PENDING,
        reason=NOT_AUTHORISED if stands is SessionState.QUARANTINED else None,
    )


def state_of(number: int) -> SessionState:
    """Return where it stands: one in a hundred is quarantined."""
    if number % 1000 == 1:
        return SessionState.OPEN
    return SessionState.QUARANTINED if number % 100 == 0 else SessionState.BILLED


def sold(of: Transaction) -> ListedBill:
    """Return the row of a session's bill."""
    return ListedBill(
        billed_ms=of.recorded_ms + 3_700_000,
        id=of.id,
        account="house",
        station_id=of.station_id,
        evse_id=of.evse_id,
        party=of.party or "",
        currency="EUR",
        grade=3,
        source="meter",
        at_ms=of.ended_ms or 0,
        energy_mwh=10**7,
        net=500,
        tax=95,
    )


def fill_lists(file: Path, sessions: int, *, tenant: str = TENANT, shift_ms: int = 0) -> None:
    """Insert sessions as rows and documents, `shift_ms` later than they are made up, and rows of their bills."""
    every_ms = DAYS * DAY_MS // sessions
    with closing(sqlite3.connect(file)) as database, database:
        for start in range(0, sessions, 20_000):
            made = [(n, session(n, every_ms, shift_ms)) for n in range(start, min(start + 20_000, sessions))]
            rows = [listed_session(one, state_of(number)) for number, one in made]
            bills = [sold(one) for number, one in made if state_of(number) is SessionState.BILLED]
            puts = [put_transaction(one, one.recorded_ms) for _, one in made]
            puts += [
                put_unbilled(one, one.recorded_ms, NOT_AUTHORISED, waits=False)
                for number, one in made
                if state_of(number) is SessionState.QUARANTINED
            ]
            database.executemany(
                f"INSERT INTO sessions ({SESSION_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?)",  # noqa: S608 - constants only
                [(tenant, *astuple(row)) for row in rows],
            )
            database.executemany(
                f"INSERT INTO bills ({BILL_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",  # noqa: S608 - as above
                [(tenant, *astuple(row)) for row in bills],
            )
            database.executemany(
                f"INSERT INTO documents ({DOCUMENT_COLUMNS}) VALUES (?,?,?,?,?,?,?,?)",  # noqa: S608 - constants only
                [(tenant, p.kind, p.key, p.version, p.body, p.updated_at_ms, p.station_id, p.active) for p in puts],
            )


async def spent_ms(ask: Callable[[], Awaitable[object]], rounds: int) -> float:
    """Return the CPU milliseconds of asking once: all threads, the median."""
    found = []
    await ask()
    for _ in range(rounds):
        began = time.process_time()
        await ask()
        found.append(1000 * (time.process_time() - began))
    return statistics.median(found)


async def revenue(journal: SqliteJournal, size: StepSize, zone: str, stations: Sequence[str] | None) -> int:
    """Do what a revenue page does; return how many sessions there were."""
    end_ms = BEGIN_MS + DAYS * DAY_MS + (3_600_000 if zone == "Europe/Berlin" else 0)
    bounds = step_bounds(BEGIN_MS, end_ms, zone_of(zone), size)
    rows = await journal.rollups(TENANT, bounds, stations=stations)
    by_step(bounds, rows, STATIONS)
    return figures(BEGIN_MS, bounds[-1], rows, STATIONS).sessions.total


async def of_sums(file: Path, sessions: int, rounds: int) -> list[Row]:
    """Measure revenue by the journal's sums."""
    journal = await SqliteJournal.open(file)
    site = tuple(f"ST{n}" for n in range(SITE))
    if await revenue(journal, StepSize.DAY, "Europe/Berlin", None) != sessions:
        raise RuntimeError("the sums are not those of the sessions")
    rows: list[Row] = []
    for name, size, zone, stations in (
        ("in all, Berlin", StepSize.MONTH, "Europe/Berlin", None),
        ("by day, Berlin", StepSize.DAY, "Europe/Berlin", None),
        ("by week, Los Angeles", StepSize.WEEK, "America/Los_Angeles", None),
        ("by hour, Berlin", StepSize.HOUR, "Europe/Berlin", None),
        ("by day, one station", StepSize.DAY, "Europe/Berlin", site[:1]),
        (f"by day, a site of {SITE} stations", StepSize.DAY, "Europe/Berlin", site),
    ):
        ms = await spent_ms(lambda s=size, z=zone, w=stations: revenue(journal, s, z, w), rounds)  # type: ignore[misc] # bound
        target, met = (f"<= {ROLLUP_MS:g} ms", ms <= ROLLUP_MS) if name in TARGETED else ("", None)
        rows.append(Row(GROUP, f"90 days of {sessions:,} sessions, {name}", ms, "CPU-ms", target=target, met=met))
    await journal.close()
    return rows


async def of_lists(file: Path, sessions: int, rounds: int) -> list[Row]:
    """Measure pages of 50 among many sessions."""
    journal = await SqliteJournal.open(file)
    middle = BEGIN_MS + DAYS * DAY_MS // 2, ""
    rows: list[Row] = []
    for name, wanted in (
        ("newest", RowsWanted(limit=50)),
        ("from the middle on", RowsWanted(limit=50, before=middle)),
        ("of a station", RowsWanted(limit=50, station_id="ST7")),
        ("of an eMSP", RowsWanted(limit=50, party="DE*AAA")),
        ("quarantined", RowsWanted(limit=50, state=SessionState.QUARANTINED)),
        ("quarantined at a station", RowsWanted(limit=50, state=SessionState.QUARANTINED, station_id="ST700")),
    ):
        ms = await spent_ms(lambda w=wanted: journal.sessions(TENANT, w), rounds)  # type: ignore[misc] # bound
        rows.append(Row(GROUP, f"50 of {sessions:,} sessions, {name}", ms, "CPU-ms"))
    ms = await spent_ms(lambda: journal.session_counts(TENANT), rounds)
    rows.append(Row(GROUP, f"{sessions:,} sessions counted by state", ms, "CPU-ms"))
    await journal.close()
    return rows


def of_parquet(parquet: str, sessions: int, rounds: int) -> Row:
    """Measure the same by DuckDB, out of the file itself."""
    found, spent, told = [], [], []
    with duckdb.connect() as analyst:
        for _ in range(rounds + 1):
            began, before = time.perf_counter(), time.process_time()
            told = analyst.execute(AD_HOC.replace("$file", parquet)).fetchall()
            found.append(1000 * (time.perf_counter() - began))
            spent.append(1000 * (time.process_time() - before))
    if sum(line[3] for line in told) != sessions:
        raise RuntimeError("the file has other sessions")
    ms, cpu_ms = statistics.median(found[1:]), statistics.median(spent[1:])
    name = f"90 days of {sessions:,} sessions, ad hoc by DuckDB from Parquet"
    note = f"wall time, all cores; {cpu_ms:,.0f} CPU-ms"
    return Row(GROUP, name, ms, "ms", target=f"<= {AD_HOC_MS:g} ms", met=ms <= AD_HOC_MS, note=note)


async def of_keeping(folder: Path, sessions: int) -> Row:
    """Measure what a session's rows and sums cost the journal: begun, ended, billed, as the flow writes them."""
    spent: dict[bool, float] = {}
    for with_rows in (False, True):
        file = folder / f"keeping-{with_rows}.sqlite3"
        migrate(f"sqlite:///{file}")
        journal = await SqliteJournal.open(file)
        made = [_life(number) for number in range(sessions)]
        began = time.process_time()
        for moment in range(3):
            batches = [life[moment] for life in made]
            if not with_rows:
                batches = [Batch(batch.tenant, puts=batch.puts) for batch in batches]
            for start in range(0, sessions, 200):
                await asyncio.gather(*(journal.commit(batch) for batch in batches[start : start + 200]))
        await journal.close()
        spent[with_rows] = time.process_time() - began
    us = 1e6 * (spent[True] - spent[False]) / sessions
    return Row(GROUP, "a session's rows and sums, kept from begin to bill", us, "CPU-us")


def _life(number: int) -> tuple[Batch, Batch, Batch]:
    """Return the commits of a session: it begins, ends and is billed."""
    begun = session(number * 1000 + 1, 1000)
    ended = replace(begun, ended="cd" * 32, ended_ms=begun.recorded_ms + 3_600_000)
    return (
        Batch(TENANT, puts=(put_transaction(begun, 1),), sessions=(listed_session(begun, SessionState.OPEN),)),
        Batch(TENANT, puts=(put_transaction(ended, 1),), sessions=(listed_session(ended, SessionState.PENDING),)),
        Batch(
            TENANT,
            puts=(put_transaction(ended, 2),),
            sessions=(listed_session(ended, SessionState.BILLED),),
            bills=(sold(ended),),
        ),
    )


def measure(*, quick: bool = False) -> list[Row]:
    """Return what each of them takes."""
    many, listed, rounds = (100_000, 20_000, 3) if quick else (10_000_000, 1_000_000, 15)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parquet = str(folder / "sessions.parquet")
        with duckdb.connect() as analyst:
            analyst.execute(GENERATE.replace("$sessions", str(many)).replace("$file", parquet))
        sums, lists = folder / "sums.sqlite3", folder / "lists.sqlite3"
        for file in (sums, lists):
            migrate(f"sqlite:///{file}")
        fill_sums(sums, parquet)
        fill_lists(lists, listed)
        return [
            *asyncio.run(of_sums(sums, many, rounds)),
            of_parquet(parquet, many, rounds),
            *asyncio.run(of_lists(lists, listed, rounds)),
            asyncio.run(of_keeping(folder, 500 if quick else 5000)),
        ]
