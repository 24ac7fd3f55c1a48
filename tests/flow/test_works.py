"""Announced works are signed records, at stations, a site or everywhere; they silence what they explain and no more."""

from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest
from tests.support.cpo_world import Talker, TestClock, add_token, enrol, make_world
from tests.support.memory_journal import MemoryJournal

from wattseal.app.fsck import run_fsck
from wattseal.base.errors import InputError
from wattseal.flow.chains import Chains
from wattseal.flow.documents import ALARM, put, read
from wattseal.flow.fleet.maintenance import STREAM, announce, end, find_windows, is_quiet, windows_of, withdraw
from wattseal.flow.people.audit import done_by
from wattseal.flow.ports import Batch
from wattseal.flow.replay_works import RecordedWorks
from wattseal.flow.stations.silence import SilenceKeeper
from wattseal.flow.world import World
from wattseal.lab.grounds.clockwork import clockwork
from wattseal.model.alarm import Alarm
from wattseal.model.station import Station
from wattseal.model.works import Cause, Where
from wattseal.rules.alarms import CODES, QUIET_DURING_WORKS
from wattseal.seal.chain import check_chain
from wattseal.seal.item import Item, parse_item

HOUR_MS = 3_600_000
NORTH, SOUTH = Station(id="N1", site="NORTH"), Station(id="S1", site="SOUTH")


@pytest.fixture
async def world() -> World:
    made = make_world()
    await enrol(made, NORTH)
    await enrol(made, SOUTH)
    return made


def clock(world: World) -> TestClock:
    return cast("TestClock", world.clock)


async def quiet(world: World, *stations: str) -> list[bool]:
    return [await is_quiet(world, "silence", station, world.now_ms()) for station in stations]


def works_records(world: World) -> list[Item]:
    assert isinstance(world.journal, MemoryJournal)
    kept = [k for k in world.journal.kept if k.item.stream == STREAM and k.item.origin == world.billing_origin]
    return [parse_item(one.item.item) for one in kept]


@pytest.mark.parametrize(
    ("where", "silent"),
    [
        (Where(("n1",)), [True, False]),
        (Where(("N1", "S1")), [True, True]),
        (Where(site="SOUTH"), [False, True]),
        (Where(), [True, True]),
    ],
)
async def test_works_are_at_stations_at_a_site_or_everywhere(world: World, where: Where, silent: list[bool]) -> None:
    now_ms = world.now_ms()
    assert await quiet(world, "N1", "S1") == [False, False]
    await announce(world, where, now_ms, now_ms + HOUR_MS, Cause.MAINTENANCE, by="person/1")
    assert await quiet(world, "N1", "S1") == silent
    world.forget()
    assert await quiet(world, "N1", "S1") == silent
    assert len(await windows_of(world, "S1", now_ms, now_ms + 1)) == silent[1]


async def test_a_station_that_moves_to_the_site_falls_under_its_works(world: World) -> None:
    now_ms = world.now_ms()
    await announce(world, Where(site="SOUTH"), now_ms, now_ms + HOUR_MS, Cause.MAINTENANCE)
    await enrol(world, Station(id="N1", site="SOUTH"))
    assert await quiet(world, "N1") == [True]


async def test_each_step_is_a_signed_record_that_says_who_and_replaying_gives_the_same(world: World) -> None:
    now_ms = world.now_ms()
    first = await announce(world, "N1", now_ms, now_ms + HOUR_MS, Cause.MAINTENANCE, note="new fuse", by="person/1")
    later = await announce(world, Where(), now_ms + HOUR_MS, now_ms + 2 * HOUR_MS, Cause.GRID, by="person/2")
    clock(world).at += timedelta(minutes=30)
    ended = await end(world, first.id, "person/3")
    assert ended is not None
    assert (ended.announced_by, ended.ended_by) == ("person/1", "person/3")
    assert now_ms < ended.to_ms <= world.now_ms()
    assert await quiet(world, "N1") == [False]
    with pytest.raises(InputError, match="not under way"):
        await end(world, later.id, "person/3")
    assert await withdraw(world, later.id, "person/3") is not None
    assert await end(world, later.id) is None
    items = works_records(world)
    assert check_chain(items) == []
    assert all(item.signature is not None for item in items)
    replayed = RecordedWorks(world.billing_origin)
    assert [replayed.take(item, "") for item in items] == [None] * len(items)
    world.forget()
    assert await find_windows(world, None) == tuple(replayed.works.windows.values()) == (ended,)
    acts = (await done_by(world, 0, world.now_ms() + 1)).acts
    assert [(act.by, act.what, act.about, act.text) for act in acts if act.kind == "works"][-1] == (
        "person/1",
        "announced",
        "N1",
        "new fuse",
    )


async def test_a_replay_tells_of_works_whose_records_do_not_fit(world: World) -> None:
    now_ms = world.now_ms()
    first = await announce(world, "N1", now_ms, now_ms + HOUR_MS, Cause.MAINTENANCE)
    clock(world).at += timedelta(minutes=30)
    await end(world, first.id)
    announced, ended = works_records(world)[-2:]
    replayed = RecordedWorks(world.billing_origin)
    found = replayed.take(ended, "record")
    assert found is not None
    assert found.code == "works_record_differs"
    assert replayed.take(announced, "record") is not None


async def test_whoever_writes_into_the_database_silences_nothing(world: World) -> None:
    now_ms = world.now_ms()
    forged = {"id": "0", "station_id": "N1", "from_ms": 0, "to_ms": now_ms + HOUR_MS, "cause": "maintenance"}
    row = put("maintenance", "0", forged, now_ms, station_id="N1", active=True)
    await world.journal.commit(Batch(world.tenant, puts=(row,)))
    world.forget()
    world.chains = Chains(world.journal, world.tenant, world.log_origin, world.random)
    assert await quiet(world, "N1") == [False]
    await announce(world, "N1", now_ms, now_ms + HOUR_MS, Cause.MAINTENANCE)
    assert await quiet(world, "N1") == [True]


async def test_works_silence_what_they_explain_and_nothing_else(world: World) -> None:
    now_ms = world.now_ms()
    await announce(world, Where(), now_ms, now_ms + HOUR_MS, Cause.MAINTENANCE)
    silenced = {code for code in CODES if await is_quiet(world, code, "N1", now_ms)}
    assert silenced == QUIET_DURING_WORKS
    for cause in Cause:
        if cause is not Cause.MAINTENANCE:
            await announce(world, Where(), now_ms + HOUR_MS, now_ms + 2 * HOUR_MS, cause)
    assert not await is_quiet(world, "silence", "N1", now_ms + HOUR_MS)


async def test_works_that_end_early_are_followed_by_the_alarm_and_others_stations_alarm_meanwhile(world: World) -> None:
    keeper = await SilenceKeeper.load(world)
    await add_token(world, "CARD")
    for station in ("N1", "S1"):
        await Talker(world, station).call("Heartbeat", {})
    await keeper.round()
    now_ms = world.now_ms()
    window = await announce(world, Where(site="NORTH"), now_ms, now_ms + 24 * HOUR_MS, Cause.MAINTENANCE)
    for _ in range(6):
        clock(world).at += timedelta(minutes=10)
        await keeper.round()
    assert await silent_stations(world) == {"S1"}
    await end(world, window.id)
    clock(world).at += timedelta(minutes=1)
    await keeper.round()
    assert await silent_stations(world) == {"N1", "S1"}


async def silent_stations(world: World) -> set[str]:
    documents = await world.journal.documents(world.tenant, ALARM)
    return {alarm.station_id for alarm in (read(one, Alarm) for one in documents) if alarm.code == "silence"}


async def test_during_works_everywhere_sessions_are_billed_evidence_is_judged_and_all_proves(tmp_path: Path) -> None:
    async with clockwork(tmp_path / "cpo", {}) as cpo:
        await cpo.token("CARD")
        line = await cpo.enrol("ST1")
        now_ms = cpo.world.now_ms()
        window = await announce(cpo.world, Where(), now_ms, now_ms + 24 * HOUR_MS, Cause.MAINTENANCE, by="person/1")
        good = await line.start16("CARD", 5000, 1)
        await line.stop16(good, 9000, 40)
        bad = await line.start16("CARD", 700, 60)
        await line.stop16(bad, 900, 90)
        await cpo.settle()
        assert len(await cpo.bills()) == 1
        assert "register_rolled_back" in {alarm.code for alarm in await cpo.alarms()}
        await end(cpo.world, window.id, "person/2")
    assert (await run_fsck(tmp_path / "cpo", trust_file=None)).findings == ()
