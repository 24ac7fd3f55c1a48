"""What stations charge with once a limit has ended, at a dead CSMS too: a safe limit above zero, not all they have."""

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from tests.support.answering import OPERATOR
from tests.support.cpo_world import AT, enrol, make_world

from wattseal.base.errors import InputError
from wattseal.base.ids import StationId
from wattseal.flow import commands
from wattseal.flow.documents import every_document, read
from wattseal.flow.fleet.sites import put_site
from wattseal.flow.limits.fallback import FALLBACK, FallbackKeeper, KeptFallback, Standing
from wattseal.flow.limits.sent import Limit, clear_limit, set_limit
from wattseal.flow.waiting import Sender
from wattseal.flow.world import World
from wattseal.lab.grounds.simulated import Simulated
from wattseal.model.charging import Period, Purpose, RateUnit, Schedule
from wattseal.model.charging_orders import ClearProfiles, SetProfile
from wattseal.model.principal import Principal
from wattseal.model.site import Site
from wattseal.model.station import EvseEnrolment, Station
from wattseal.rules.charging_needs import NEEDS_PROFILE_ID, profile_for
from wattseal.rules.charging_policy import ChargingPolicy
from wattseal.rules.ramp import Ramp, RampPolicy, Swing
from wattseal.rules.two_persons import in_both_names
from wattseal.wire.ocpp.version import Version

STATION, ID = "CS1", StationId("CS1")
SITE: dict[str, Any] = {"name": "S", "address": "a", "city": "c", "country": "DEU", "time_zone": "UTC"}
END = AT + timedelta(hours=1)
JUST_AFTER = END + timedelta(seconds=1)


@dataclass
class PlayedClock:
    at: datetime = AT

    def now(self) -> datetime:
        return self.at

    def go(self, **by: float) -> None:
        self.at += timedelta(**by)


@dataclass
class Scene:
    world: World
    clock: PlayedClock
    fleet: Simulated
    keeper: FallbackKeeper

    async def limit(self, amperes: int = 8, *, by: Principal = OPERATOR, **more: Any) -> None:
        limit = Limit(Decimal(amperes), RateUnit.A, **{"until": END} | more)
        await set_limit(self.world, by, ID, limit)

    async def rounds(self, count: int = 3) -> None:
        for _ in range(count):
            await self.keeper.round()

    async def lift(self) -> None:
        """Let the ramp send what waits for it."""
        await self.rounds()
        for _ in range(30):
            self.clock.go(seconds=1)
            await Sender(self.world).round()
        await self.rounds()

    async def standing(self) -> list[Standing]:
        found = [read(d, KeptFallback) async for d in every_document(self.world.journal, self.world.tenant, FALLBACK)]
        return [one.standing for one in found]

    def alarms(self) -> set[str]:
        return {code for code, *_ in self.world.alarms.subjects}

    def restart(self) -> None:
        self.world.forget()
        self.keeper = FallbackKeeper(self.world, OPERATOR)


async def a_scene(version: Version = Version.V201, policy: ChargingPolicy | None = None, **station: Any) -> Scene:
    world, clock = make_world(), PlayedClock()
    world.clock, world.pause, world.ramp = clock, None, Ramp(RampPolicy(fleet_w_s=22_000))
    chosen = policy or ChargingPolicy(fallback_a=Decimal(10))
    world.settings = replace(world.settings, charging=chosen)
    world.lines = fleet = Simulated(clock.now, version, began=AT)
    await enrol(world, Station(id=STATION, evses=(EvseEnrolment(id=1, rated_power_w=22_000),), **station))
    return Scene(world, clock, fleet, FallbackKeeper(world, OPERATOR))


@pytest.mark.parametrize("version", [Version.V16, Version.V201, Version.V21])
async def test_a_limit_that_ends_at_a_dead_csms_leaves_the_station_at_its_fallback(version: Version) -> None:
    scene = await a_scene(version)
    await scene.limit(8)
    await scene.rounds()
    assert scene.fleet.allows_a(STATION) == 8, "the limit leads while it lasts"
    scene.fleet.online = False
    assert scene.fleet.allows_a(STATION, JUST_AFTER) == 10
    assert scene.fleet.allows_a(STATION, END + timedelta(days=30)) == 10
    assert await scene.standing() == [Standing.HOLDS]
    assert [action for _, action, _ in scene.fleet.asked] == [
        "SetChargingProfile",
        "SetChargingProfile",
        "GetCompositeSchedule",
    ]


@pytest.mark.parametrize("version", [Version.V16, Version.V201, Version.V21])
async def test_without_a_fallback_the_station_goes_to_all_it_has(version: Version) -> None:
    scene = await a_scene(version, ChargingPolicy())
    await scene.limit(8)
    await scene.rounds()
    assert scene.fleet.allows_a(STATION, JUST_AFTER) is None
    assert await scene.standing() == []


async def test_charging_that_was_stopped_for_a_time_comes_back_at_the_fallback_and_not_with_everything() -> None:
    scene = await a_scene()
    await scene.limit(0, below_floor=True)
    await scene.rounds()
    assert scene.fleet.allows_a(STATION) == 0
    assert scene.fleet.allows_a(STATION, JUST_AFTER) == 10


async def test_a_limit_of_an_evse_has_its_fallback_there() -> None:
    scene = await a_scene(Version.V16)
    await scene.limit(8, evse_id=1)
    await scene.rounds()
    assert scene.fleet.allows_a(STATION, evse_id=1) == 8
    assert scene.fleet.allows_a(STATION, JUST_AFTER, evse_id=1) == 10
    assert {told["csChargingProfiles"]["chargingProfilePurpose"] for _, _, told in scene.fleet.asked[:2]} == {
        "TxDefaultProfile"
    }


async def test_each_evse_counts_and_station_goes_before_site_before_all() -> None:
    scene = await a_scene(site="S")
    await put_site(scene.world, Site(id="S", latitude="1.00000", longitude="2.00000", fallback_a=Decimal(7), **SITE))
    await scene.limit(8)
    await scene.rounds()
    assert scene.fleet.allows_a(STATION, JUST_AFTER) == 7
    two = (EvseEnrolment(id=1), EvseEnrolment(id=2))
    await enrol(scene.world, Station(id=STATION, site="S", evses=two, fallback_a=Decimal(9)))
    scene.restart()
    await scene.rounds()
    assert scene.fleet.allows_a(STATION, JUST_AFTER) == 18
    await enrol(scene.world, Station(id="CS2", site="S", fallback_a=Decimal(0)))
    await set_limit(scene.world, OPERATOR, StationId("CS2"), Limit(Decimal(8), RateUnit.A, until=END))
    await scene.rounds()
    assert scene.fleet.allows_a("CS2", JUST_AFTER) is None, "this one has none"


async def test_a_fallback_is_no_more_than_two_people_agreed_on_and_no_less_than_the_floor() -> None:
    scene = await a_scene()
    both = Principal(scene.world.tenant, in_both_names("person/a", "person/b"), frozenset(), frozenset({"*"}))
    await scene.limit(8, by=both)
    await scene.rounds()
    assert scene.fleet.allows_a(STATION, JUST_AFTER) == 8
    scene.clock.go(minutes=1)
    await scene.limit(0, by=both, below_floor=True)
    await scene.rounds()
    assert scene.fleet.allows_a(STATION, JUST_AFTER) == 6


async def test_a_living_csms_takes_the_fallback_away_after_its_time_through_the_ramp() -> None:
    scene = await a_scene()
    await scene.limit(8)
    await scene.rounds()
    scene.clock.at = JUST_AFTER
    await scene.rounds()
    assert scene.fleet.allows_a(STATION) == 10
    scene.clock.go(seconds=901)
    scene.world.ramp.count(scene.world.now_ms(), Swing(up_w=110_000), None)
    await scene.rounds()
    assert scene.fleet.allows_a(STATION) == 10, "others have the line: it waits for its turn"
    await scene.lift()
    assert scene.fleet.allows_a(STATION) is None
    assert scene.world.limited == {}


async def test_limits_of_one_moment_end_one_after_another_as_the_ramp_has_counted_their_ends() -> None:
    scene = await a_scene()
    names = [f"CS{n}" for n in range(1, 5)]
    for name in names:
        await enrol(scene.world, Station(id=name, evses=(EvseEnrolment(id=1, rated_power_w=22_000),)))
        scene.clock.go(seconds=5)
        await set_limit(scene.world, OPERATOR, StationId(name), Limit(Decimal(8), RateUnit.A, until=END))
        await scene.rounds()
    at = [[scene.fleet.allows_a(name, END + timedelta(seconds=later)) for name in names] for later in (0, 1, 2, 60)]
    fallen = [sum(allowed == 10 for allowed in allows) for allows in at]
    assert fallen == [1, 2, 3, 4]


async def test_it_stays_where_that_was_chosen_until_somebody_clears_the_limit() -> None:
    scene = await a_scene(policy=ChargingPolicy(fallback_a=Decimal(10), fallback_hold_s=0))
    await scene.limit(8)
    await scene.rounds()
    scene.clock.go(days=2)
    scene.restart()
    await scene.lift()
    assert scene.fleet.allows_a(STATION) == 10
    await clear_limit(scene.world, OPERATOR, ID, 0)
    await scene.lift()
    assert scene.fleet.allows_a(STATION) is None


async def test_a_limit_that_is_renewed_keeps_the_one_fallback_and_one_without_an_end_needs_none() -> None:
    scene = await a_scene()
    await scene.limit(8)
    await scene.rounds()
    asked = len(scene.fleet.asked)
    scene.clock.go(minutes=30)
    await scene.limit(9, until=END + timedelta(hours=1))
    await scene.rounds()
    assert len(scene.fleet.asked) == asked + 1
    await scene.limit(9, until=None)
    await scene.lift()
    assert scene.fleet.allows_a(STATION) == 9
    assert await scene.standing() == [Standing.LIFTED]


async def test_a_station_set_back_to_its_factory_is_found_out_when_it_is_back_and_given_its_fallback_anew() -> None:
    scene = await a_scene()
    await scene.limit(8)
    await scene.rounds()
    scene.fleet.online = False
    await scene.rounds()
    scene.fleet.forget(STATION)
    scene.fleet.online = True
    await scene.rounds()
    assert scene.fleet.allows_a(STATION, JUST_AFTER) == 10
    assert scene.fleet.allows_a(STATION) == 8, "and its limit"
    assert await scene.standing() == [Standing.HOLDS]
    assert "schedule_differs" in scene.alarms()


async def test_the_alarm_stands_while_one_of_two_places_has_none_and_ends_when_its_limit_is_gone() -> None:
    scene = await a_scene()
    await scene.limit(8)
    await scene.rounds()
    scene.clock.go(minutes=1)
    await scene.limit(8, evse_id=1)
    scene.fleet.deaf[STATION] = frozenset({"SetChargingProfile"})
    await scene.rounds()
    assert set(await scene.standing()) == {Standing.HOLDS, Standing.REFUSED}
    assert "fallback_missing" in scene.alarms()
    scene.clock.go(minutes=1)
    await clear_limit(scene.world, OPERATOR, ID, 1)
    await scene.lift()
    assert "fallback_missing" not in scene.alarms()


async def test_the_plan_made_for_a_car_is_no_limit_that_needs_a_fallback() -> None:
    scene = await a_scene()
    planned = Schedule(unit=RateUnit.A, periods=(Period(start_s=0, limit=Decimal(12)),), start=AT, duration_s=3600)
    for number, alarmed in ((NEEDS_PROFILE_ID + 1, False), (77, True)):
        profile = replace(profile_for(planned, 1, "T1", 0), id=number, purpose=Purpose.TX_DEFAULT, transaction_id=None)
        await commands.send(scene.world, OPERATOR, ID, SetProfile(1, profile))
        await scene.rounds()
        assert ("fallback_missing" in scene.alarms()) is alarmed, "of level 0, nothing fits beneath it"
        scene.clock.go(minutes=1)
        await commands.send(scene.world, OPERATOR, ID, ClearProfiles(number))
        scene.clock.go(minutes=1)


async def test_a_restart_between_limit_and_fallback_leaves_none_out() -> None:
    scene = await a_scene()
    await scene.limit(8)
    scene.restart()
    assert scene.fleet.allows_a(STATION, JUST_AFTER) is None
    await scene.rounds()
    assert scene.fleet.allows_a(STATION, JUST_AFTER) == 10


async def test_a_station_that_refuses_it_is_an_alarm_until_it_takes_it() -> None:
    scene = await a_scene()
    await scene.limit(8)
    scene.fleet.deaf[STATION] = frozenset({"SetChargingProfile"})
    await scene.rounds()
    assert await scene.standing() == [Standing.REFUSED]
    assert "fallback_missing" in scene.alarms()
    scene.fleet.deaf.clear()
    scene.clock.go(minutes=11)
    await scene.rounds()
    assert await scene.standing() == [Standing.HOLDS]
    assert "fallback_missing" not in scene.alarms()


@pytest.mark.parametrize("version", [Version.V16, Version.V201])
async def test_no_single_caller_replaces_or_clears_what_a_station_falls_back_to(version: Version) -> None:
    scene = await a_scene(version)
    await scene.limit(8)
    await scene.rounds()
    caller = Principal(scene.world.tenant, "till", frozenset(), frozenset({"commands:write", "commands:power"}))
    schedule = {
        "id": 1,
        "startSchedule": "2027-01-15T08:00:00Z",
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 63}],
    }
    told = {"id": 4_000_000, "stackLevel": 0, "chargingProfileKind": "Absolute"}
    if version is Version.V16:
        del schedule["id"], told["id"]
        told |= {"chargingProfileId": 4_000_000, "chargingProfilePurpose": "ChargePointMaxProfile"}
        ways = [
            ("SetChargingProfile", {"connectorId": 0, "csChargingProfiles": told | {"chargingSchedule": schedule}}),
            (
                "SetChargingProfile",
                {"connectorId": 0, "csChargingProfiles": told | {"chargingProfileId": 5, "chargingSchedule": schedule}},
            ),
            ("ClearChargingProfile", {}),
        ]
    else:
        told |= {"chargingProfilePurpose": "ChargingStationMaxProfile", "chargingSchedule": [schedule]}
        ways = [
            ("SetChargingProfile", {"evseId": 0, "chargingProfile": told}),
            ("ClearChargingProfile", {"chargingProfileId": 4_000_000}),
            ("ClearChargingProfile", {"chargingProfileCriteria": {"stackLevel": 0}}),
        ]
    for action, payload in ways:
        with pytest.raises(InputError) as refused:
            await commands.send_payload(scene.world, caller, ID, action, json.dumps(payload).encode())
        assert refused.value.code == "fallback_kept"
    assert scene.fleet.allows_a(STATION, JUST_AFTER) == 10
