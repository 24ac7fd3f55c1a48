"""The gate that commands pass: what must wait is kept, told, sent in its turn, and taken back if somebody wishes."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from tests.support.cpo_world import AT, enrol, make_world
from tests.support.memory_journal import MemoryJournal

from wattseal.base.errors import InputError, StoreError
from wattseal.base.ids import StationId
from wattseal.flow import commands, ramp
from wattseal.flow.commands import Done, Queued
from wattseal.flow.limits.sent import Limit, set_limit
from wattseal.flow.ramp import Passing, WaitingState
from wattseal.flow.waiting import Sender
from wattseal.flow.world import World
from wattseal.model.charging import RateUnit
from wattseal.model.principal import Principal
from wattseal.model.remote import ResetKind, ResetRequested
from wattseal.model.station import EvseEnrolment, Station
from wattseal.rules.ramp import Ramp, RampPolicy
from wattseal.wire.ocpp.rpc import CallResult, Connection
from wattseal.wire.ocpp.version import Version

RESET = ResetRequested(ResetKind.IMMEDIATE)


@dataclass
class PlayedClock:
    at: datetime = AT

    def now(self) -> datetime:
        return self.at

    def go(self, ms: int) -> None:
        self.at += timedelta(milliseconds=ms)


@dataclass
class Fleet:
    """Connections to any number of stations that accept whatever they are asked."""

    clock: PlayedClock
    asked: list[tuple[datetime, str, str, dict[str, Any]]] = field(default_factory=list)
    online: bool = True

    def version(self, station_id: StationId) -> Version | None:
        del station_id
        return Version.V16 if self.online else None

    async def call(self, station_id: StationId, action: str, payload: bytes, timeout_s: float) -> CallResult:
        del timeout_s
        self.asked.append((self.clock.at, str(station_id), action, json.loads(payload)))
        connection = Connection(Version.V16)
        connection.call("1", action, payload)
        event = connection.receive(b'[3,"1",{"status":"Accepted"}]', self.clock.at)
        assert isinstance(event, CallResult)
        return event


async def a_fleet(stations: int = 5, policy: RampPolicy | None = None) -> tuple[World, Fleet, PlayedClock]:
    world, clock = make_world(), PlayedClock()
    world.clock, world.pause, world.ramp = clock, None, Ramp(policy or RampPolicy(fleet_w_s=22_000))
    world.lines = fleet = Fleet(clock)
    for number in range(stations):
        await enrol(world, Station(id=f"CS{number}", evses=(EvseEnrolment(id=1, rated_power_w=22_000),)))
    return world, fleet, clock


def who(world: World, *scopes: str) -> Principal:
    return Principal(world.tenant, "till", frozenset(), frozenset(scopes))


async def resets(world: World, count: int = 5) -> list[commands.Outcome]:
    return [await commands.send(world, who(world), StationId(f"CS{n}"), RESET) for n in range(count)]


async def run(world: World, clock: PlayedClock, seconds: int, sender: Sender | None = None) -> None:
    sender = sender or Sender(world)
    for _ in range(seconds * 10):
        clock.go(100)
        await sender.round()


async def test_the_first_goes_at_once_and_the_others_wait_for_their_turn_and_are_told_when() -> None:
    world, fleet, clock = await a_fleet()
    first, *others = await resets(world)
    assert isinstance(first, Done)
    assert [asked[1] for asked in fleet.asked] == ["CS0"]
    ends = []
    for queued in others:
        assert isinstance(queued, Queued)
        ends.append(queued.at_ms)
    await run(world, clock, 20)
    times = [at for at, *_ in fleet.asked]
    assert len(times) == 5
    assert all(later - earlier >= timedelta(seconds=0.9) for earlier, later in pairwise(times))
    assert [round(at.timestamp() * 1000, -2) >= end - 100 for at, end in zip(times[1:], sorted(ends), strict=True)]
    kept = await ramp.latest(world)
    assert {(one.state, one.outcome) for one in kept} == {(WaitingState.SENT, "Accepted")}
    assert all(one.record for one in kept)


async def test_what_waits_does_not_wait_until_a_clock_that_was_put_back_has_caught_up() -> None:
    world, fleet, clock = await a_fleet()
    await resets(world)
    clock.go(-86_400_000)
    await run(world, clock, 20)
    assert len(fleet.asked) == 5
    times = sorted(at for at, *_ in fleet.asked)[:4]
    assert all(later - earlier >= timedelta(seconds=0.9) for earlier, later in pairwise(times)), "and no faster"


async def test_what_waits_outlives_a_restart_and_keeps_its_place() -> None:
    world, fleet, clock = await a_fleet()
    await resets(world)
    before = {one.id: one.at_ms for one in (await ramp.queue_of(world)).values()}
    world.forget()
    world.ramp = Ramp(world.ramp.policy)
    assert {one.id: one.at_ms for one in (await ramp.queue_of(world)).values()} == before
    assert world.ramp.lines, "their places are taken"
    await run(world, clock, 20)
    assert len(fleet.asked) == 5


async def test_those_that_missed_their_time_stand_in_line_anew_instead_of_going_together() -> None:
    world, fleet, clock = await a_fleet()
    await resets(world)
    clock.go(600_000)
    sender = Sender(world)
    await sender.round()
    assert len(fleet.asked) == 1, "none but the first, which never waited"
    await run(world, clock, 20, sender)
    times = [at for at, *_ in fleet.asked]
    assert len(times) == 5
    assert all(later - earlier >= timedelta(seconds=0.9) for earlier, later in pairwise(times))


async def test_one_that_waits_can_be_taken_back_once_and_is_never_sent() -> None:
    world, fleet, clock = await a_fleet(2)
    _, queued = await resets(world, 2)
    assert isinstance(queued, Queued)
    cancelled = await ramp.cancel(world, who(world), queued.id)
    assert (cancelled.state, cancelled.cancelled_by) == (WaitingState.CANCELLED, "till")
    await run(world, clock, 5)
    assert len(fleet.asked) == 1
    with pytest.raises(InputError, match="cancelled") as over:
        await ramp.cancel(world, who(world), queued.id)
    assert over.value.code == "not_waiting"
    with pytest.raises(InputError, match="no such command"):
        await ramp.cancel(world, who(world), "nothing")


async def due_together(world: World, clock: PlayedClock) -> list[Callable[[], Awaitable[object]]]:
    """Return the work of a sender whose turns have come and that has not begun with any of it."""
    works: list[Callable[[], Awaitable[object]]] = []

    def keep(work: Callable[[], Awaitable[object]]) -> bool:
        works.append(work)
        return True

    await run(world, clock, 20, Sender(world, keep))
    return works


async def test_one_that_is_taken_back_when_its_turn_has_come_is_not_sent_all_the_same() -> None:
    world, fleet, clock = await a_fleet(2)
    _, queued = await resets(world, 2)
    assert isinstance(queued, Queued)
    (work,) = await due_together(world, clock)
    await ramp.cancel(world, who(world), queued.id)
    await work()
    assert len(fleet.asked) == 1
    found = await ramp.find(world, queued.id)
    assert found is not None
    assert found.state is WaitingState.CANCELLED


async def test_those_whose_turns_went_by_while_the_journal_stood_still_do_not_leave_together() -> None:
    world, fleet, clock = await a_fleet(4)
    await resets(world, 4)
    works = await due_together(world, clock)
    assert len(works) == 3
    for work in works:
        await work()
    assert len(fleet.asked) == 2, "one of the three; the others stand in line anew"
    await run(world, clock, 20)
    times = [at for at, *_ in fleet.asked]
    assert len(times) == 4
    assert all(later - earlier >= timedelta(seconds=0.9) for earlier, later in pairwise(times))


async def test_a_commit_that_fails_when_a_turn_has_come_costs_the_turn_and_not_the_command() -> None:
    world, fleet, clock = await a_fleet(2)
    await resets(world, 2)
    journal = world.journal
    assert isinstance(journal, MemoryJournal)
    sender = Sender(world)
    journal.broken = True
    with pytest.raises(StoreError):
        await run(world, clock, 5, sender)
    journal.broken = False
    await run(world, clock, 5, sender)
    assert len(fleet.asked) == 2


async def test_one_that_could_not_be_kept_is_not_sent_behind_the_back_of_who_was_told_so() -> None:
    world, fleet, clock = await a_fleet(2)
    await resets(world, 1)
    journal = world.journal
    assert isinstance(journal, MemoryJournal)
    journal.broken = True
    with pytest.raises(StoreError):
        await commands.send(world, who(world), StationId("CS1"), RESET)
    journal.broken = False
    await run(world, clock, 5)
    assert len(fleet.asked) == 1


async def test_after_a_restart_one_whose_turn_has_just_come_has_the_line_to_itself() -> None:
    world, fleet, clock = await a_fleet(3)
    _, queued = await resets(world, 2)
    assert isinstance(queued, Queued)
    clock.go(queued.at_ms - world.now_ms() + 20)
    world.forget()
    world.ramp = Ramp(world.ramp.policy)
    other = await commands.send(world, who(world), StationId("CS2"), RESET)
    assert isinstance(other, Queued), "it stands behind it"
    await run(world, clock, 5)
    assert len(fleet.asked) == 3


async def test_a_station_that_has_gone_meanwhile_is_sent_nothing_and_that_is_told() -> None:
    world, fleet, clock = await a_fleet(2)
    _, queued = await resets(world, 2)
    assert isinstance(queued, Queued)
    fleet.online = False
    await run(world, clock, 5)
    found = await ramp.find(world, queued.id)
    assert found is not None
    assert (found.state, found.outcome, found.record) == (WaitingState.SENT, "offline", None)


async def test_commands_to_one_station_keep_their_order() -> None:
    world, fleet, clock = await a_fleet(1)
    for amount in (10, 16, 20, 8, 32):
        await set_limit(world, who(world), StationId("CS0"), Limit(Decimal(amount), RateUnit.A))
    await run(world, clock, 60)
    periods = [sent["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"] for *_, sent in fleet.asked]
    assert [period[0]["limit"] for period in periods] == [10, 16, 20, 8, 32]


async def test_what_must_not_wait_goes_and_others_wait_for_it() -> None:
    world, fleet, _ = await a_fleet()
    for number in range(3):
        sent = await commands.send(world, who(world), StationId(f"CS{number}"), RESET, passing=Passing.AT_ONCE)
        assert isinstance(sent, Done)
    waits = await commands.send(world, who(world), StationId("CS3"), RESET)
    assert isinstance(waits, Queued)
    assert waits.at_ms >= world.now_ms() + 3000
    assert len(fleet.asked) == 3


async def test_what_would_wait_too_long_is_refused_and_nothing_is_kept_of_it() -> None:
    world, _, _ = await a_fleet(3, RampPolicy(fleet_w_s=22_000, max_wait_ms=900, jitter_ms=0))
    await resets(world, 1)
    with pytest.raises(InputError, match="too many changes of power") as full:
        await resets(world, 2)
    assert full.value.code == "ramp_full"
    assert await ramp.latest(world) == []


async def test_commands_that_ask_only_never_wait() -> None:
    world, fleet, _ = await a_fleet(1)
    await resets(world, 1)
    for _ in range(3):
        done = await commands.send_payload(world, who(world), StationId("CS0"), "GetConfiguration", b"{}")
        assert not isinstance(done, Queued)
    assert len(fleet.asked) == 4


def timed(number: int, at: str) -> bytes:
    """Return a profile that goes from 6 A to 32 A at a time of day."""
    schedule = {
        "startSchedule": "2027-01-15T00:00:00Z",
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6}, {"startPeriod": 36_000, "limit": 32}],
    }
    profile = {
        "chargingProfileId": number,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": schedule,
        "validTo": at,
    }
    return json.dumps({"connectorId": 1, "csChargingProfiles": profile}).encode()


async def test_schedules_that_would_step_together_are_put_off_so_that_they_do_not() -> None:
    world, fleet, clock = await a_fleet()
    for number in range(5):
        await commands.send_payload(
            world, who(world), StationId(f"CS{number}"), "SetChargingProfile", timed(1, "2027-01-15T20:00:00Z")
        )
        await run(world, clock, 5)
    steps = []
    for *_, sent in fleet.asked:
        schedule = sent["csChargingProfiles"]["chargingSchedule"]
        assert schedule["startSchedule"] == "2027-01-15T00:00:00Z", "what applies now is not touched"
        steps.append(schedule["chargingSchedulePeriod"][1]["startPeriod"])
    assert steps[0] == 36_000
    assert len(set(steps)) == 5
    assert all(later - earlier >= 1 for earlier, later in pairwise(steps))
