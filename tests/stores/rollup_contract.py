# ruff: noqa: S311 - rows that are told alike each time
"""What every journal promises of its lists and sums: inherited by the tests of each database."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from random import Random
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import astuple
from msgspec.structs import replace as changed
from tests.stores.journal_contract import T1, T2, Reopen, station

from wattseal.flow.ports import Batch, Journal, RowsWanted
from wattseal.model.revenue import StepSize
from wattseal.model.rollup import QUARTER_MS, ListedBill, ListedSession, RolledUp, RollupKey, SessionState
from wattseal.rules.clock_steps import step_bounds
from wattseal.rules.rollup import Rollups

HOUR_MS, DAY_MS = 4 * QUARTER_MS, 96 * QUARTER_MS
MONDAY_MS = 1_790_553_600_000
"""2026-09-28: the clocks of Berlin go back a month later."""
STATIONS, PARTIES = ("S1", "S2", "Ünü"), ("", "DE*AAA", "NL*BBB")


def session(random: Random, number: int, state: SessionState | None = None) -> ListedSession:
    state = state or random.choice(tuple(SessionState))
    is_open = state is SessionState.OPEN
    return ListedSession(
        recorded_ms=MONDAY_MS + number,
        id=f"{number:032x}",
        station_id=random.choice(STATIONS),
        evse_id=random.randrange(3),
        party=random.choice(PARTIES),
        source=random.choice(("meter", "csms")),
        state=state.value,
        at_ms=0 if is_open else MONDAY_MS + random.randrange(60 * DAY_MS),
        energy_mwh=0 if is_open else random.randrange(80_000_000),
        seconds=0 if is_open else random.randrange(30_000),
    )


def bill(random: Random, number: int) -> ListedBill:
    return ListedBill(
        billed_ms=MONDAY_MS + number,
        id=f"{number:032x}",
        account=random.choice(("house", "DE*AAA")),
        station_id=random.choice(STATIONS),
        evse_id=1,
        party=random.choice(PARTIES),
        currency=random.choice(("EUR", "CHF")),
        grade=random.randrange(5),
        source=random.choice(("meter", "csms")),
        at_ms=MONDAY_MS + random.randrange(60 * DAY_MS),
        energy_mwh=random.randrange(80_000_000),
        net=random.randrange(10_000),
        tax=random.randrange(2_000),
        reversed=random.random() < 0.2,
    )


def some(random: Random, sessions: int = 120, bills: int = 60) -> Batch:
    return Batch(
        T1,
        sessions=tuple(session(random, n) for n in range(sessions)),
        bills=tuple(bill(random, n) for n in range(bills)),
    )


async def kept(store: Journal) -> dict[RollupKey, tuple[int, ...]]:
    """Read all sums by small pages; those that came to nothing are left out."""
    found: dict[RollupKey, tuple[int, ...]] = {}
    after: RollupKey | None = None
    while page := await store.all_sums(T1, after, limit=50):
        found |= {key: values for key, values in page if any(values)}
        after = page[-1][0]
    return found


def due(sessions: Iterable[ListedSession], bills: Iterable[ListedBill]) -> dict[RollupKey, tuple[int, ...]]:
    return {key: values for key, values in Rollups(sessions, bills).sums.items() if any(values)}


def by_steps(
    batch: Batch, bounds: Sequence[int], stations: Sequence[str] | None, parties: Sequence[str] | None
) -> dict[tuple[int, str, int, str], tuple[int, ...]]:
    """Add rows up one by one."""
    found: dict[tuple[int, str, int, str], tuple[int, ...]] = {}
    for step in range(len(bounds) - 1):
        rows = Rollups(
            (r for r in batch.sessions if _counts(r, bounds[step], bounds[step + 1], stations, parties)),
            (r for r in batch.bills if _counts(r, bounds[step], bounds[step + 1], stations, parties)),
        )
        for (width, _, _, _, _, currency, grade, source), values in rows.sums.items():
            if width == 1:
                key = (step, currency, grade, source)
                found[key] = tuple(map(int.__add__, found.get(key, (0,) * 13), values))
    return {key: values for key, values in found.items() if any(values)}


def _counts(
    row: ListedSession | ListedBill,
    since: int,
    until: int,
    stations: Sequence[str] | None,
    parties: Sequence[str] | None,
) -> bool:
    in_time = since <= row.at_ms < until
    return in_time and (stations is None or row.station_id in stations) and (parties is None or row.party in parties)


def told(rows: Iterable[RolledUp]) -> dict[tuple[int, str, int, str], tuple[int, ...]]:
    found = {(r.step, r.currency, r.grade, r.source): astuple(r)[4:] for r in rows}
    return {key: values for key, values in found.items() if any(values)}


class RollupContract:
    @pytest.mark.parametrize("seed", range(3))
    async def test_sums_follow_rows_however_they_change(self, store: Journal, reopen: Reopen, seed: int) -> None:
        random = Random(seed)
        sessions: dict[str, ListedSession] = {}
        bills: dict[str, ListedBill] = {}
        for _ in range(12):
            told = [session(random, random.randrange(20)) for _ in range(15)]
            made = [bill(random, random.randrange(15)) for _ in range(8)]
            half = [changed(row, state=random.choice(tuple(SessionState)).value) for row in told[:5]]
            await store.commit(Batch(T1, sessions=(*told, *half), bills=tuple(made)))
            sessions |= {row.id: row for row in (*told, *half)}
            bills |= {row.id: row for row in made}
            assert await kept(store) == due(sessions.values(), bills.values())
        store = await reopen(store)
        assert await kept(store) == due(sessions.values(), bills.values())

    async def test_the_same_rows_again_change_no_sum(self, store: Journal) -> None:
        batch = some(Random(1))
        await store.commit(batch)
        before = await store.all_sums(T1)
        await store.commit(batch)
        assert await store.all_sums(T1) == before
        assert len(before) > 100
        assert await store.all_sums(T2) == ()

    @pytest.mark.parametrize("size", StepSize)
    @pytest.mark.parametrize(
        "zone", ["UTC", "Europe/Berlin", "America/Los_Angeles", "Asia/Kathmandu", "Pacific/Auckland"]
    )
    async def test_steps_of_any_zone_come_to_what_the_rows_do(self, store: Journal, zone: str, size: StepSize) -> None:
        batch = some(Random(2))
        await store.commit(batch)
        days = 20 if size is StepSize.HOUR else 70
        bounds = step_bounds(MONDAY_MS + 11 * HOUR_MS, MONDAY_MS + days * DAY_MS, ZoneInfo(zone), size)
        for stations in (None, ("S1",), ("S1", "Ünü", "none"), ()):
            for parties in (None, ("DE*AAA",), ("", "NL*BBB")):
                found = await store.rollups(T1, bounds, stations=stations, parties=parties)
                assert told(found) == by_steps(batch, bounds, stations, parties)
        assert await store.rollups(T2, bounds) == ()

    async def test_sessions_are_listed_newest_first_by_pages_without_a_gap(self, store: Journal) -> None:
        batch = some(Random(3))
        same = tuple(changed(row, recorded_ms=MONDAY_MS + n // 3) for n, row in enumerate(batch.sessions))
        await store.commit(Batch(T1, sessions=same))
        wants = (
            RowsWanted(limit=7),
            RowsWanted(limit=7, station_id="S1"),
            RowsWanted(limit=7, party="DE*AAA"),
            RowsWanted(limit=7, party=""),
            *(RowsWanted(limit=7, state=state) for state in SessionState),
            RowsWanted(limit=7, station_id="S2", evse_id=1, state=SessionState.BILLED, since_ms=MONDAY_MS + 9),
        )
        for wanted in wants:
            found: list[ListedSession] = []
            before = wanted.before
            while page := await store.sessions(T1, replace(wanted, before=before)):
                found += [one.row for one in page]
                before = found[-1].recorded_ms, found[-1].id
            expected = [
                row
                for row in sorted(same, key=lambda row: (row.recorded_ms, row.id), reverse=True)
                if wanted.station_id in {None, row.station_id}
                and wanted.evse_id in {None, row.evse_id}
                and wanted.party in {None, row.party}
                and wanted.state in {None, row.state}
                and row.recorded_ms >= (wanted.since_ms or 0)
            ]
            assert found == expected
            assert expected

    async def test_a_row_comes_with_its_document(self, store: Journal) -> None:
        row = session(Random(4), 1)
        put = station(row.id, name=row.station_id, active=False, body=b'{"x":1}')
        await store.commit(Batch(T1, sessions=(row,), puts=(put,)))
        (found,) = await store.sessions(T1, RowsWanted(limit=5))
        assert found.document == put
        (bare,) = await store.sessions(T1, RowsWanted(limit=5, documents=False))
        assert (bare.row, bare.document) == (row, None)
        await store.commit(Batch(T1, bills=(bill(Random(4), 1),)))
        (sold,) = await store.bills(T1, RowsWanted(limit=5))
        assert (sold.row, sold.document) == (bill(Random(4), 1), None)

    async def test_bills_are_listed_newest_first_and_of_an_account(self, store: Journal) -> None:
        batch = some(Random(5))
        await store.commit(batch)
        for wanted in (
            RowsWanted(limit=100),
            RowsWanted(limit=100, account="house"),
            RowsWanted(limit=3, station_id="S1"),
        ):
            found = [one.row for one in await store.bills(T1, wanted)]
            expected = [
                row
                for row in sorted(batch.bills, key=lambda row: row.billed_ms, reverse=True)
                if wanted.account in {None, row.account} and wanted.station_id in {None, row.station_id}
            ]
            assert found == expected[: wanted.limit]

    async def test_states_are_counted(self, store: Journal) -> None:
        batch = some(Random(6))
        await store.commit(batch)
        states = [row.state for row in batch.sessions]
        assert await store.session_counts(T1) == {state: states.count(state.value) for state in SessionState}
        assert await store.session_counts(T2) == dict.fromkeys(SessionState, 0)
