"""Charging limits and costs in the flow: who may stop charging, what is too much, what comes too late."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from tests.support.cpo_world import AT, Talker, add_token, enrol, make_world

from wattseal.base.errors import InputError
from wattseal.base.ids import StationId
from wattseal.flow import commands
from wattseal.flow.charges import costs
from wattseal.flow.commands import Done
from wattseal.flow.limits.needs import SCHEDULE, Wanted
from wattseal.flow.limits.sent import Limit, send_schedule, set_limit
from wattseal.flow.limits.store import LIMIT, MAX_KEPT, MAX_LIMITS, PROFILE
from wattseal.flow.money.tariff_changes import set_tariff
from wattseal.flow.ports import Silence
from wattseal.flow.world import World
from wattseal.model.charging import RateUnit
from wattseal.model.principal import Principal
from wattseal.model.tariff import PriceComponent, Tariff, TariffElement
from wattseal.wire.ocpp.rpc import CallError, CallResult, Connection
from wattseal.wire.ocpp.version import Version

STATION = StationId("CS1")
SOON = "2027-01-15T12:00:00Z"
Reply = dict[str, Any] | Silence | CallError


@dataclass
class Line:
    """A connection to one station that answers out of a table, over the protocol's own bytes."""

    spoken: Version | None
    replies: dict[str, Reply] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def version(self, station_id: StationId) -> Version | None:
        del station_id
        return self.spoken

    async def call(
        self, station_id: StationId, action: str, payload: bytes, timeout_s: float
    ) -> CallResult | CallError | Silence:
        del station_id, timeout_s
        assert self.spoken is not None
        self.asked.append((action, json.loads(payload)))
        reply = self.replies.get(action, {"status": "Accepted"})
        if isinstance(reply, Silence | CallError):
            return reply
        connection = Connection(self.spoken)
        connection.call("1", action, payload)
        event = connection.receive(b'[3,"1",' + json.dumps(reply).encode() + b"]", AT)
        assert isinstance(event, CallResult)
        return event


async def a_world(version: Version = Version.V201) -> tuple[World, Line, Talker]:
    world = make_world()
    line = Line(version)
    world.lines = line
    await enrol(world, str(STATION))
    await add_token(world, "CARD")
    return world, line, Talker(world, str(STATION), version)


def who(world: World, *scopes: str) -> Principal:
    return Principal(world.tenant, "till", frozenset(), frozenset(scopes))


def profile(limit: float, number: int = 1, **more: Any) -> dict[str, Any]:
    schedule = {
        "id": 1,
        "startSchedule": "2027-01-15T08:00:00Z",
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
    }
    return {
        "id": number,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": [schedule],
    } | more


async def test_only_those_entitled_may_send_a_limit_that_stops_charging() -> None:
    world, line, _ = await a_world()
    stopping = json.dumps({"evseId": 1, "chargingProfile": profile(0, validTo=SOON)}).encode()
    with pytest.raises(InputError, match="charging:stop"):
        await commands.send_payload(world, who(world, "commands:write"), STATION, "SetChargingProfile", stopping)
    assert line.asked == []
    stopper = who(world, "commands:write", "charging:stop")
    assert isinstance(await commands.send_payload(world, stopper, STATION, "SetChargingProfile", stopping), Done)
    for allowed, said in ((who(world, "charging:stop"), False), (who(world), True)):
        limit = Limit(Decimal(2), RateUnit.A, 1, below_floor=said)
        with pytest.raises(InputError, match="stops charging"):
            await set_limit(world, allowed, STATION, limit)
    start = {"remoteStartId": 1, "idToken": {"idToken": "CARD", "type": "ISO14443"}, "evseId": 1}
    mine = profile(1) | {"chargingProfilePurpose": "TxProfile"}
    with pytest.raises(InputError, match="stops charging"):
        await commands.send_payload(
            world,
            who(world, "commands:write"),
            STATION,
            "RequestStartTransaction",
            json.dumps(start | {"chargingProfile": mine}).encode(),
        )


async def test_a_profile_the_station_refused_or_never_answered_is_not_in_force() -> None:
    world, line, _ = await a_world()
    for reply in ({"status": "Rejected"}, Silence.TIMED_OUT):
        line.replies["SetChargingProfile"] = reply
        await set_limit(world, who(world), STATION, Limit(Decimal(10), RateUnit.A, 1))
    assert await world.journal.documents(world.tenant, PROFILE) == ()


async def count(world: World, kind: str) -> int:
    return len(await world.journal.documents(world.tenant, kind, active=True, limit=1000))


async def test_limits_from_outside_and_unasked_reports_are_kept_up_to_a_bound() -> None:
    world, _, station = await a_world()
    for evse in range(MAX_LIMITS + 5):
        await station.call("NotifyChargingLimit", {"evseId": evse, "chargingLimit": {"chargingLimitSource": "EMS"}})
    assert await count(world, LIMIT) == MAX_LIMITS
    await station.call("NotifyChargingLimit", {"evseId": 1, "chargingLimit": {"chargingLimitSource": "EMS"}})
    assert await count(world, LIMIT) == MAX_LIMITS
    for part in range(30):
        told = [profile(10, number=10 * part + n, stackLevel=n) for n in range(10)]
        report = {"requestId": part, "chargingLimitSource": "EMS", "evseId": 1, "chargingProfile": told, "tbc": True}
        await station.call("ReportChargingProfiles", report)
    assert await count(world, PROFILE) == MAX_KEPT
    assert world.counters["profile_report_too_long"] > 0


async def charging(station: Talker) -> Callable[[int, int], Any]:
    """Start a charge; return what tells a register of it."""

    async def event(seq: int, wh: int, kind: str = "Updated") -> dict[str, Any]:
        context = {"Started": "Transaction.Begin", "Ended": "Transaction.End"}.get(kind, "Sample.Periodic")
        sample = {"value": wh, "context": context, "measurand": "Energy.Active.Import.Register"}
        return await station.call(
            "TransactionEvent",
            {
                "eventType": kind,
                "timestamp": station.at(seq),
                "triggerReason": "MeterValuePeriodic",
                "seqNo": seq,
                "transactionInfo": {"transactionId": "TX"},
                "evse": {"id": 1, "connectorId": 1},
                "meterValue": [{"timestamp": station.at(seq), "sampledValue": [sample]}],
            },
        )

    await event(0, 1000, "Started")
    return event


KWH = Tariff(
    "DE",
    "CPO",
    "T",
    "EUR",
    (TariffElement((PriceComponent("ENERGY", Decimal("0.5"), Decimal(20), 1),)),),
    AT,
)


async def test_a_running_cost_is_told_when_it_has_changed() -> None:
    world, line, station = await a_world()
    line.replies["CostUpdated"] = {}
    reading = await charging(station)
    told = costs.Told()
    assert await costs.due(world, told) == (), "without a tariff there is no cost"
    await set_tariff(world, KWH)
    await reading(1, 3000)
    for one in await costs.due(world, told):
        await costs.tell(world, told, one)
    assert line.asked == [("CostUpdated", {"totalCost": 1.2, "transactionId": "TX"})]
    assert await costs.due(world, told) == ()
    await reading(2, 5000)
    (later,) = await costs.due(world, told)
    assert later.total == Decimal("2.4")
    line.replies["CostUpdated"] = CallError("1", "CostUpdated", "NotImplemented", "", msgspec.Raw(b"{}"), b"")
    await costs.tell(world, told, later)
    await reading(3, 6000)
    assert await costs.due(world, told) == (), "a station that does not know the message is left alone"
    line.spoken = None
    assert await costs.due(world, costs.Told()) == (), "nobody is there to be told"


async def test_an_end_without_a_tariff_or_in_1_6_tells_no_cost() -> None:
    world, _, station = await a_world()
    reading = await charging(station)
    assert "totalCost" not in await reading(1, 2000)
    old = Talker(world, str(STATION), Version.V16)
    await set_tariff(world, KWH)
    assert await old.stop(await old.start(), 9000) == {}


async def needy(station: Talker) -> dict[str, Any]:
    needs = {
        "requestedEnergyTransfer": "DC",
        "dcChargingParameters": {"evMaxCurrent": 100, "evMaxVoltage": 400},
        "departureTime": station.at(60),
    }
    return await station.call("NotifyEVChargingNeeds", {"evseId": 1, "chargingNeeds": needs, "maxScheduleTuples": 1})


async def test_a_schedule_goes_to_the_car_that_waits_and_to_none_that_has_given_up() -> None:
    world, line, station = await a_world()
    await charging(station)
    assert await needy(station) == {"status": "Accepted"}
    (waiting,) = await world.journal.outbox(world.tenant, world.now_ms())
    assert waiting.kind == SCHEDULE
    line.spoken = None
    assert not await send_schedule(world, waiting.body), "it is tried again while the car waits"
    line.spoken = Version.V201
    assert await send_schedule(world, waiting.body)
    ((action, sent),) = line.asked
    (schedule,) = sent["chargingProfile"]["chargingSchedule"]
    assert (action, schedule["chargingRateUnit"], schedule["duration"]) == ("SetChargingProfile", "W", 3600)
    assert schedule["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 40000}]
    late = msgspec.json.encode(Wanted(str(STATION), 1, world.now_ms()))
    assert await send_schedule(world, late)
    assert len(line.asked) == 1


async def test_a_car_is_left_to_other_profiles_where_that_is_chosen() -> None:
    world, _, station = await a_world()
    world.settings = replace(world.settings, charging=replace(world.settings.charging, answer_needs=False))
    await charging(station)
    assert await needy(station) == {"status": "Rejected"}


async def test_a_composite_schedule_too_large_to_compare_is_counted_and_no_defect() -> None:
    world, line, _ = await a_world()
    minutes = [{"startPeriod": 60 * n, "limit": 6 + n % 2} for n in range(1000)]
    for level in range(6):
        fine = profile(6, number=level, stackLevel=level)
        fine["chargingSchedule"][0]["chargingSchedulePeriod"] = minutes
        fine |= {"chargingProfileKind": "Recurring", "recurrencyKind": "Daily"}
        body = json.dumps({"evseId": 1, "chargingProfile": fine}).encode()
        await commands.send_payload(world, who(world), STATION, "SetChargingProfile", body)
    answer = {
        "evseId": 1,
        "duration": 864000,
        "scheduleStart": "2027-01-15T08:00:00Z",
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6}],
    }
    line.replies["GetCompositeSchedule"] = {"status": "Accepted", "schedule": answer}
    asked = json.dumps({"evseId": 1, "duration": 864000}).encode()
    done = await commands.send_payload(world, who(world), STATION, "GetCompositeSchedule", asked)
    assert isinstance(done, Done)
    assert world.counters["schedule_not_comparable"] == 1


def reported(**values: str) -> dict[str, Any]:
    data = [
        {
            "component": {"name": "SmartChargingCtrlr"},
            "variable": {"name": name},
            "variableAttribute": [{"value": value}],
            "variableCharacteristics": {"dataType": "MemberList", "supportsMonitoring": False},
        }
        for name, value in values.items()
    ]
    return {"requestId": 1, "generatedAt": "2027-01-15T08:00:00Z", "seqNo": 0, "reportData": data}


async def test_a_limit_is_sent_in_a_unit_and_at_a_level_that_the_station_takes() -> None:
    world, line, station = await a_world()
    await station.call("NotifyReport", reported(RateUnit="A", ProfileStackLevel="1"))
    await set_limit(world, who(world), STATION, Limit(Decimal(7000), RateUnit.W, 1))
    ((_, sent),) = line.asked
    (schedule,) = sent["chargingProfile"]["chargingSchedule"]
    assert (schedule["chargingRateUnit"], schedule["chargingSchedulePeriod"][0]["limit"]) == ("A", 10.1)
    with pytest.raises(InputError, match="stops charging"):
        await set_limit(world, who(world), STATION, Limit(Decimal(2000), RateUnit.W, 1))
    for number, level in ((5, 0), (6, 1)):
        body = json.dumps({"evseId": 2, "chargingProfile": profile(10, number, stackLevel=level)}).encode()
        await commands.send_payload(world, who(world), STATION, "SetChargingProfile", body)
    with pytest.raises(InputError, match="up to 1"):
        await set_limit(world, who(world), STATION, Limit(Decimal(7000), RateUnit.W, 2))


async def test_a_schedule_for_a_car_comes_in_the_stations_unit_and_periods() -> None:
    world, line, station = await a_world()
    await station.call("NotifyReport", reported(RateUnit="W", PeriodsPerSchedule="1"))
    await charging(station)
    ac = {"energyAmount": 9000, "evMinCurrent": 6, "evMaxCurrent": 16, "evMaxVoltage": 400}
    needs = {"requestedEnergyTransfer": "AC_three_phase", "acChargingParameters": ac}
    await station.call("NotifyEVChargingNeeds", {"evseId": 1, "chargingNeeds": needs})
    (waiting,) = await world.journal.outbox(world.tenant, world.now_ms())
    assert await send_schedule(world, waiting.body)
    (schedule,) = line.asked[0][1]["chargingProfile"]["chargingSchedule"]
    assert schedule["chargingRateUnit"] == "W"
    assert schedule["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 16 * 230 * 3}]


AGREED = "till, approved by person/2"


def maximum(limit: float, number: int, level: int, version: Version) -> tuple[str, bytes]:
    """Return a profile of the station's maximum, as the version spells it."""
    if version is Version.V16:
        told = {
            "chargingProfileId": number,
            "stackLevel": level,
            "chargingProfilePurpose": "ChargePointMaxProfile",
            "chargingProfileKind": "Absolute",
            "chargingSchedule": {
                "chargingRateUnit": "A",
                "startSchedule": "2027-01-15T08:00:00Z",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
            },
        }
        return "SetChargingProfile", json.dumps({"connectorId": 0, "csChargingProfiles": told}).encode()
    more = {"stackLevel": level, "chargingProfilePurpose": "ChargingStationMaxProfile"}
    return (
        "SetChargingProfile",
        json.dumps({"evseId": 0, "chargingProfile": profile(limit, number, **more)}).encode(),
    )


@pytest.mark.parametrize("version", [Version.V16, Version.V201])
async def test_no_single_caller_gets_above_a_maximum_that_two_people_agreed_on(version: Version) -> None:
    world, line, _ = await a_world(version)
    both = Principal(world.tenant, AGREED, frozenset(), frozenset({"commands:power", "charging:lift"}))
    agreed, _ = await set_limit(world, both, STATION, Limit(Decimal(10), RateUnit.A))
    line.asked.clear()
    one = who(world, "commands:write", "charging:stop")
    named = "id" if version is Version.V16 else "chargingProfileId"
    ways: list[tuple[str, bytes]] = [
        maximum(32, 7, agreed.stack_level + 5, version),
        maximum(32, agreed.id, agreed.stack_level, version),
        ("ClearChargingProfile", json.dumps({named: agreed.id}).encode()),
    ]
    if version is Version.V16:
        ways.append(maximum(32, 8, agreed.stack_level, version))
    for action, payload in ways:
        with pytest.raises(InputError, match="two people agreed") as refused:
            await commands.send_payload(world, one, STATION, action, payload)
        assert refused.value.code == "agreed_limit"
    assert line.asked == []
    lower = await commands.send_payload(world, one, STATION, *maximum(8, 9, agreed.stack_level + 1, version))
    assert isinstance(lower, Done), "less than agreed on is anybody's"
    owner = who(world, "commands:write", "charging:lift")
    assert isinstance(await commands.send_payload(world, owner, STATION, *ways[0]), Done)


async def test_what_ends_with_the_agreed_maximum_or_comes_after_it_is_free() -> None:
    world, _, _ = await a_world()
    both = Principal(world.tenant, AGREED, frozenset(), frozenset({"commands:power", "charging:lift"}))
    end = AT + timedelta(hours=2)
    await set_limit(world, both, STATION, Limit(Decimal(10), RateUnit.A, until=end))
    one = who(world, "commands:write")
    told = profile(32, 7, stackLevel=9, chargingProfilePurpose="ChargingStationMaxProfile")
    for start, fits in (("2027-01-15T09:59:00Z", False), ("2027-01-15T10:00:00Z", True)):
        told["chargingSchedule"][0]["startSchedule"] = start
        payload = json.dumps({"evseId": 0, "chargingProfile": told}).encode()
        if fits:
            assert isinstance(await commands.send_payload(world, one, STATION, "SetChargingProfile", payload), Done)
            continue
        with pytest.raises(InputError, match="two people agreed"):
            await commands.send_payload(world, one, STATION, "SetChargingProfile", payload)


@pytest.mark.parametrize("period", [{"operationMode": "Idle"}, {"setpoint": 0, "operationMode": "CentralSetpoint"}])
async def test_a_mode_or_a_setpoint_that_stops_charging_takes_the_scope_as_well(period: dict[str, Any]) -> None:
    world, line, _ = await a_world(Version.V21)
    told = profile(16, validTo=SOON)
    told["chargingSchedule"][0]["chargingSchedulePeriod"] = [{"startPeriod": 0, **period}]
    payload = json.dumps({"evseId": 1, "chargingProfile": told}).encode()
    with pytest.raises(InputError, match="charging:stop"):
        await commands.send_payload(world, who(world, "commands:write"), STATION, "SetChargingProfile", payload)
    stopper = who(world, "commands:write", "charging:stop")
    assert isinstance(await commands.send_payload(world, stopper, STATION, "SetChargingProfile", payload), Done)
    assert len(line.asked) == 1


async def test_what_stops_charging_ends_by_itself_for_its_csms_may_be_gone() -> None:
    world, line, _ = await a_world()
    stopper = who(world, "commands:write", "charging:stop")
    endless: list[dict[str, Any]] = [{}, {"validTo": "2027-02-15T12:00:00Z"}]
    for more in endless:
        payload = json.dumps({"evseId": 1, "chargingProfile": profile(0, **more)}).encode()
        with pytest.raises(InputError, match="ends by itself") as refused:
            await commands.send_payload(world, stopper, STATION, "SetChargingProfile", payload)
        assert refused.value.code == "stop_without_end"
    with pytest.raises(InputError, match="ends by itself"):
        await set_limit(world, stopper, STATION, Limit(Decimal(0), RateUnit.A, 1, below_floor=True))
    assert line.asked == []
    until = AT + timedelta(days=1)
    _, sent = await set_limit(world, stopper, STATION, Limit(Decimal(0), RateUnit.A, 1, until=until, below_floor=True))
    assert isinstance(sent, Done)
    lasting = profile(0, number=3, stackLevel=5)
    lasting["chargingSchedule"][0]["duration"] = 3600
    payload = json.dumps({"evseId": 1, "chargingProfile": lasting}).encode()
    assert isinstance(await commands.send_payload(world, stopper, STATION, "SetChargingProfile", payload), Done)
