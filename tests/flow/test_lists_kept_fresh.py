"""Local lists stay what they should be, at stations that were away, were set back, or lost or refused theirs."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.flow.test_local_lists import Holder, add
from tests.support.answering import OPERATOR
from tests.support.cpo_world import AT, Talker, TestClock, enrol, make_world

from wattseal.base.ids import StationId
from wattseal.flow.drivers import list_keeper
from wattseal.flow.drivers.known_tokens import find_list
from wattseal.flow.drivers.list_keeper import STALE, ListKeeper
from wattseal.flow.drivers.list_sync import set_policy
from wattseal.flow.world import World
from wattseal.model.alarm import Alarm
from wattseal.model.local_list import ListPolicy, ListStatus
from wattseal.model.token import TokenStatus
from wattseal.rules.alarms import subject_of
from wattseal.wire.ocpp.version import Version

STATION = StationId("ST1")


class Scene:
    def __init__(self, version: Version = Version.V201) -> None:
        self.world: World = make_world()
        self.holder = Holder(version, items=10)
        self.world.lines = self.lines = self.holder.lines()
        self.version = version
        self.keeper = ListKeeper(self.world, OPERATOR)

    async def begin(self) -> "Scene":
        await enrol(self.world, str(STATION))
        await add(self.world, "A", "B")
        await set_policy(self.world, STATION, ListPolicy.OWN)
        await self.keeper.round()
        assert set(self.holder.held) == {"A", "B"}
        return self

    def go(self, **by: float) -> None:
        assert isinstance(self.world.clock, TestClock)
        self.world.clock.at += timedelta(**by)

    @property
    def alarmed(self) -> bool:
        return subject_of(Alarm(STALE, str(STATION), 0)) in self.world.alarms.subjects

    @property
    def raised(self) -> int:
        return self.world.counters.get(f"alarm_{STALE}", 0)


@pytest.mark.parametrize("version", Version)
async def test_a_station_that_was_away_is_caught_up_when_it_is_back(version: Version) -> None:
    scene = await Scene(version).begin()
    scene.lines.speaks = None
    await scene.keeper.round()
    await add(scene.world, "A", status=TokenStatus.BLOCKED)
    await add(scene.world, "NEW")
    await scene.keeper.round()
    assert set(scene.holder.held) == {"A", "B"}
    scene.lines.speaks = version
    await scene.keeper.round()
    assert set(scene.holder.held) == {"B", "NEW"}
    assert (await find_list(scene.world, "ST1")).fresh_ms > 0


async def test_a_station_set_back_to_its_factory_between_two_looks_is_sent_the_whole_list() -> None:
    scene = await Scene().begin()
    scene.holder.held, scene.holder.version = {}, 0
    boot = {"reason": "PowerUp", "chargingStation": {"model": "M", "vendorName": "V"}}
    await Talker(scene.world, str(STATION), Version.V201).call("BootNotification", boot)
    await scene.keeper.round()
    assert set(scene.holder.held) == {"A", "B"}


async def test_a_list_lost_without_a_word_is_found_out_within_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    for look_ms, found in ((10**12, set()), (list_keeper.LOOK_MS, {"A", "B"})):
        monkeypatch.setattr(list_keeper, "LOOK_MS", look_ms)
        scene = Scene()
        scene.world.settings = replace(scene.world.settings, list_stale_s=10**9)
        await scene.begin()
        scene.holder.held, scene.holder.version = {}, 0
        scene.go(hours=5)
        assert await scene.keeper.round() == 0
        scene.go(hours=2)
        await scene.keeper.round()
        assert set(scene.holder.held) == found


async def test_a_card_that_expires_goes_off_the_list_though_nobody_touches_it() -> None:
    scene = await Scene().begin()
    await add(scene.world, "GUEST", expires_at=AT + timedelta(hours=3))
    await scene.keeper.round()
    assert "GUEST" in scene.holder.held
    scene.go(hours=7)
    await scene.keeper.round()
    assert set(scene.holder.held) == {"A", "B"}


async def test_a_list_that_was_refused_is_tried_again_without_any_change() -> None:
    scene = await Scene().begin()
    scene.holder.spoil = ["Failed", "Failed"]
    await add(scene.world, "C")
    await scene.keeper.round()
    assert (await find_list(scene.world, "ST1")).status is ListStatus.INCOMPLETE
    assert await scene.keeper.round() == 0
    scene.go(minutes=6)
    await scene.keeper.round()
    assert set(scene.holder.held) == {"A", "B", "C"}


async def test_one_station_whose_list_cannot_be_brought_keeps_no_other_from_its_own() -> None:
    scene = Scene()
    await enrol(scene.world, str(STATION))
    await add(scene.world, "A")
    await set_policy(scene.world, STATION, ListPolicy.OWN)
    (listed := scene.world.listed or {}).clear()
    listed |= {StationId("GONE"): ListPolicy.OWN, STATION: ListPolicy.OWN}
    await scene.keeper.round()
    assert set(scene.holder.held) == {"A"}
    assert scene.world.counters["local_list_not_brought"] == 1


async def test_a_list_that_is_not_known_to_be_fresh_for_a_day_is_one_alarm_until_it_is() -> None:
    scene = await Scene().begin()
    scene.lines.speaks = None
    scene.go(hours=23)
    await scene.keeper.round()
    assert not scene.alarmed
    scene.go(hours=2)
    for _ in range(5):
        await scene.keeper.round()
    assert scene.alarmed
    scene.keeper = ListKeeper(scene.world, OPERATOR)
    await scene.keeper.round()
    assert scene.raised == 1
    scene.lines.speaks = Version.V201
    await scene.keeper.round()
    assert not scene.alarmed


async def test_a_list_that_a_station_goes_on_refusing_is_the_alarm_as_well() -> None:
    scene = await Scene().begin()
    scene.holder.spoil = ["Failed"] * 1000
    await add(scene.world, "A", status=TokenStatus.BLOCKED)
    for _ in range(26):
        scene.go(hours=1)
        await scene.keeper.round()
    assert scene.alarmed
    assert "A" in scene.holder.held, "it still lets that card charge"
    scene.holder.spoil = []
    scene.go(minutes=6)
    await scene.keeper.round()
    assert not scene.alarmed


async def test_a_2x_station_is_given_no_more_than_it_said_it_has_room_for() -> None:
    scene = Scene()
    await enrol(scene.world, str(STATION))
    await add(scene.world, *"ABCDE")
    entry: dict[str, Any] = {
        "component": {"name": "LocalAuthListCtrlr"},
        "variable": {"name": "Entries"},
        "variableAttribute": [{"value": "0"}],
        "variableCharacteristics": {"dataType": "integer", "supportsMonitoring": False, "maxLimit": 3},
    }
    report = {"requestId": 1, "generatedAt": "2027-01-15T08:00:00Z", "seqNo": 0, "reportData": [entry]}
    await Talker(scene.world, str(STATION), Version.V201).call("NotifyReport", report)
    await set_policy(scene.world, STATION, ListPolicy.OWN)
    await scene.keeper.round()
    assert len(scene.holder.held) == 3
    assert (await find_list(scene.world, "ST1")).left_out == 2
