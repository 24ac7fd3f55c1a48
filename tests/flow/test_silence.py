"""A station that falls silent raises one alarm, which outlives restarts and is over when it speaks again."""

from dataclasses import dataclass
from datetime import timedelta
from typing import cast

import pytest
from tests.support.cpo_world import Talker, TestClock, enrol, make_world, own_entry, signing_key
from tests.support.memory_journal import MemoryJournal

from wattseal.base.errors import StoreError
from wattseal.base.ids import StationId
from wattseal.flow.documents import ALARM, read
from wattseal.flow.fleet.maintenance import announce
from wattseal.flow.stations.silence import SilenceKeeper
from wattseal.flow.world import World
from wattseal.model.alarm import Alarm
from wattseal.model.station import BootPolicy, Station
from wattseal.model.works import Cause
from wattseal.rules.enrolment import believe
from wattseal.seal.registry import Role
from wattseal.watch import DETECTORS, Watch

ROUND_MINUTES = 20
"""The clock goes on no further than this between two rounds; further, and it was set."""


@dataclass
class Silent:
    """A world whose clock is moved, with what looks after silences."""

    world: World
    keeper: SilenceKeeper

    async def later(self, minutes: float) -> None:
        clock = cast("TestClock", self.world.clock)
        while minutes > ROUND_MINUTES:
            clock.at += timedelta(minutes=ROUND_MINUTES)
            minutes -= ROUND_MINUTES
            await self.keeper.round()
        clock.at += timedelta(minutes=minutes)
        await self.keeper.round()

    async def alarms(self) -> list[Alarm]:
        found = await self.world.journal.documents(self.world.tenant, ALARM)
        return [read(document, Alarm) for document in found]

    async def restart(self) -> None:
        self.world.forget()
        self.keeper = await SilenceKeeper.load(self.world)


@pytest.fixture
async def silent() -> Silent:
    world = make_world()
    await enrol(world, "ST1")
    made = Silent(world, await SilenceKeeper.load(world))
    await Talker(world, "ST1").call("Heartbeat", {})
    await made.later(0)
    return made


async def test_a_station_that_says_nothing_for_two_heartbeats_raises_one_alarm(silent: Silent) -> None:
    await silent.later(10)
    assert await silent.alarms() == []
    for _ in range(5):
        await silent.later(1)
    (alarm,) = await silent.alarms()
    assert (alarm.code, alarm.station_id, alarm.field) == ("silence", "ST1", "heartbeat")
    assert "660 s" in alarm.detail
    assert alarm.over_ms is None


async def test_without_the_detector_nobody_learns_of_it(silent: Silent) -> None:
    silent.world.watch = Watch([each for each in DETECTORS if each.code != "silence"])
    await silent.later(600)
    assert await silent.alarms() == []


async def test_the_alarm_is_over_when_it_speaks_again_and_the_next_silence_raises_another(silent: Silent) -> None:
    await silent.later(11)
    await Talker(silent.world, "ST1").call("Heartbeat", {})
    await silent.later(0)
    (alarm,) = await silent.alarms()
    assert alarm.over_ms is not None
    await silent.later(11)
    assert [each.over_ms is None for each in await silent.alarms()] == [False, True]


async def test_an_alarm_that_stands_is_not_raised_again_after_a_restart(silent: Silent) -> None:
    await silent.later(11)
    await silent.restart()
    await silent.later(60)
    assert len(await silent.alarms()) == 1
    await Talker(silent.world, "ST1").call("Heartbeat", {})
    await silent.later(0)
    assert [each.over_ms is None for each in await silent.alarms()] == [False]


async def test_who_was_silent_over_a_restart_is_told_of_after_it(silent: Silent) -> None:
    await silent.later(5)
    await silent.restart()
    await silent.later(10)
    assert await silent.alarms() == [], "while we were down nobody could speak"
    await silent.later(1)
    assert [each.code for each in await silent.alarms()] == ["silence"]


async def test_who_first_spoke_while_nothing_could_be_written_is_told_of_after_a_restart(silent: Silent) -> None:
    journal = cast("MemoryJournal", silent.world.journal)
    await enrol(silent.world, "ST2")
    await Talker(silent.world, "ST2").call("Heartbeat", {})
    journal.broken = True
    with pytest.raises(StoreError):
        await silent.later(0)
    journal.broken = False
    await silent.later(0)
    await silent.restart()
    await silent.later(11)
    assert [alarm.station_id for alarm in await silent.alarms()] == ["ST1", "ST2"]


async def test_who_never_spoke_is_not_missed(silent: Silent) -> None:
    await enrol(silent.world, "NEW")
    await silent.later(11)
    assert {each.station_id for each in await silent.alarms()} == {"ST1"}


async def test_announced_maintenance_is_no_silence(silent: Silent) -> None:
    now_ms = silent.world.now_ms()
    await announce(silent.world, "ST1", now_ms, now_ms + 60 * 60_000, Cause.MAINTENANCE)
    await silent.later(59)
    assert await silent.alarms() == []
    await silent.later(2)
    assert len(await silent.alarms()) == 1


async def test_a_longer_heartbeat_is_waited_for() -> None:
    world = make_world()
    await enrol(world, Station(id="SLOW", boot=BootPolicy(interval_s=3600)))
    silent = Silent(world, await SilenceKeeper.load(world))
    await Talker(world, "SLOW").call("Heartbeat", {})
    await silent.later(119)
    assert await silent.alarms() == []
    await silent.later(2)
    assert len(await silent.alarms()) == 1


async def test_heartbeats_alone_do_not_hide_that_signed_records_are_swallowed(silent: Silent) -> None:
    spki = signing_key("edge").public.spki
    believe(silent.world.registry, [own_entry("CPO/ST1", Role.EDGE, spki)])
    memory = silent.world.stations[StationId("ST1")]
    memory.signed_ms = silent.world.now_ms()
    for _ in range(12):
        await silent.later(1)
        await Talker(silent.world, "ST1").call("Heartbeat", {})
    (alarm,) = await silent.alarms()
    assert (alarm.field, alarm.over_ms) == ("records", None)
    memory.signed_ms = silent.world.now_ms()
    await silent.later(0)
    assert [each.over_ms is None for each in await silent.alarms()] == [False]
