"""Smart charging of 1.6, the verbs of all versions, limits from outside and dynamic profiles."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.conformance.profiles import (
    ACCEPTED,
    composite,
    installed,
    plugged,
    profile,
    profile16,
    schedule,
    send,
    send16,
)
from tests.conformance.sessions import Charge16, at, seed
from tests.conformance.wire import CallError, Wire

from wattseal.app.system import SystemClock

both = pytest.mark.parametrize("version", ["2.0.1", "2.1"])


@pytest.mark.conformance("OCPP16_5.16", "OCPP16_5.16.1", "OCPP16_5.16.4", "OCPP16_5.5")
async def test_a_1_6_station_gets_profiles_and_loses_them(wire: Wire) -> None:
    station = await wire.station("1.6")
    await send16(station, 0, profile16("ChargePointMaxProfile", 1))
    await send16(station, 1, profile16(number=2))
    await send16(station, 1, profile16(number=3))
    assert await installed(station) == [(0, 1), (1, 3)], "one purpose and level at a connector: the later one"
    await send16(station, 1, profile16(number=4, stackLevel=9), {"status": "Rejected"})
    await send16(station, 1, profile16(number=5, stackLevel=9), {"status": "NotSupported"})
    await send16(station, 1, profile16(number=6, stackLevel=9), CallError("NotSupported", ""))
    await station.commanded("ClearChargingProfile", {"id": 3}, ACCEPTED)
    criteria = {"connectorId": 0, "chargingProfilePurpose": "ChargePointMaxProfile", "stackLevel": 0}
    await station.commanded("ClearChargingProfile", criteria, ACCEPTED)
    assert await installed(station) == []
    await station.commanded("ClearChargingProfile", {}, {"status": "Unknown"})


@pytest.mark.conformance("OCPP16_5.16.2", "OCPP16_5.16.3")
async def test_a_1_6_transaction_has_its_profile_until_it_ends(wire: Wire) -> None:
    station, token = await wire.station("1.6"), await seed(wire)
    begin = {"connectorId": 1, "idTag": token, "chargingProfile": profile16("TxProfile")}
    await station.commanded("RemoteStartTransaction", begin, ACCEPTED)
    charge = Charge16(station, token=token)
    await charge.started()
    await send16(station, 1, profile16("TxProfile", number=2, limit=8, transactionId=charge.id))
    found = await installed(station)
    assert (1, 2) in found
    await charge.stopped()
    await send16(station, 1, profile16(number=3))
    assert await installed(station) == [(1, 3)]


@pytest.mark.conformance("OCPP16_5.7")
async def test_a_1_6_station_tells_its_composite_schedule(wire: Wire) -> None:
    station = await wire.station("1.6")
    await send16(station, 1, profile16(limit=10))
    told = {k: v for k, v in schedule(16).items() if k != "id"}
    answer = ACCEPTED | {"connectorId": 1, "scheduleStart": at(1), "chargingSchedule": told}
    await station.commanded("GetCompositeSchedule", {"connectorId": 1, "duration": 600}, answer)
    (difference,) = (await composite(station, 1))["told"]["differences"]
    assert (difference["ours"], difference["theirs"], difference["above"]) == (10, 16, True)
    await station.commanded("GetCompositeSchedule", {"connectorId": 9, "duration": 600}, {"status": "Rejected"})


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
async def test_an_operators_limit_becomes_the_profile_of_the_version(wire: Wire, version: str) -> None:
    station = await wire.station(version)

    async def limited(body: dict[str, Any]) -> dict[str, Any]:
        told = asyncio.create_task(wire.api("POST", f"/stations/{station.name}/set-limit", body))
        asking = asyncio.create_task(station.next_call("SetChargingProfile"))
        await asyncio.wait({told, asking}, return_when=asyncio.FIRST_COMPLETED)
        if not asking.done():
            asking.cancel()
            raise AssertionError(told.result().text)
        asked = await asking
        await asked.answer(ACCEPTED)
        assert (await told).json()["status"] == "Accepted"
        found: dict[str, Any] = asked.payload["csChargingProfiles" if version == "1.6" else "chargingProfile"]
        return found

    whole = await limited({"limit_w": 11000})
    name = "ChargePointMaxProfile" if version == "1.6" else "ChargingStationMaxProfile"
    assert whole["chargingProfilePurpose"] == name
    one = await limited({"limit_a": 10, "evse_id": 1, "until": "2099-01-01T00:00:00Z"})
    assert (one["chargingProfilePurpose"], one["validTo"]) == ("TxDefaultProfile", "2099-01-01T00:00:00Z")
    again = await limited({"limit_a": 8, "evse_id": 1})
    assert again["stackLevel"] == one["stackLevel"], "it takes the place of the one before"
    assert (await composite(station, 1, unit="A"))["schedule"]["periods"][0]["limit"] == 8
    soon = (SystemClock().now() + timedelta(hours=1)).isoformat()
    stopped = await limited({"limit_a": 0, "evse_id": 1, "below_floor": True, "until": soon})
    assert stopped["stackLevel"] == one["stackLevel"]
    clearing = asyncio.create_task(wire.api("POST", f"/stations/{station.name}/clear-limit", {"evse_id": 1}))
    asked = await station.next_call("ClearChargingProfile")
    await asked.answer(ACCEPTED)
    assert (await clearing).json()["status"] == "Accepted"
    assert [place for place, _ in await installed(station)] == [0]
    for body, code in (
        ({"limit_a": 0, "evse_id": 1}, "below_floor"),
        ({"limit_a": 5, "limit_w": 5}, "bad_input"),
        ({"limit_a": 10, "evse_id": 1, "transaction": True}, "no_transaction"),
        ({"limit_a": 10, "until": "2020-01-01T00:00:00Z"}, "bad_input"),
    ):
        told = await wire.api("POST", f"/stations/{station.name}/set-limit", body)
        assert (told.status_code, told.json()["code"]) == (409 if code == "no_transaction" else 422, code)


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
async def test_a_remote_start_may_bring_a_limit(wire: Wire, version: str) -> None:
    station, token = await wire.station(version), await seed(wire)
    body = {"id_token": token, "evse_id": 1, "limit_a": 10}
    telling = asyncio.create_task(wire.api("POST", f"/stations/{station.name}/remote-start", body))
    action = "RemoteStartTransaction" if version == "1.6" else "RequestStartTransaction"
    asked = await station.next_call(action)
    await asked.answer(ACCEPTED)
    assert (await telling).json()["status"] == "Accepted"
    sent = asked.payload["chargingProfile"]
    schedules = sent["chargingSchedule"] if version == "1.6" else sent["chargingSchedule"][0]
    assert (sent["chargingProfilePurpose"], sent["chargingProfileKind"]) == ("TxProfile", "Relative")
    assert schedules["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 10}]
    for wrong, code in (({"limit_a": 1}, "below_floor"), ({"limit_a": 10, "limit_w": 9000}, "bad_input")):
        told = await wire.api("POST", f"/stations/{station.name}/remote-start", {"id_token": token} | wrong)
        assert (told.status_code, told.json()["code"]) == (422, code)


@both
async def test_a_limit_from_outside_counts_until_it_is_cleared(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    lasting = {k: v for k, v in schedule(9).items() if k not in {"duration", "startSchedule"}}
    limit = {"chargingLimitSource": "EMS", "isGridCritical": True}
    await station.call("NotifyChargingLimit", {"evseId": 1, "chargingLimit": limit, "chargingSchedule": [lasting]})
    station.answered("NotifyChargingLimit", {})
    assert (await composite(station, 1))["schedule"]["periods"][0]["limit"] == 9
    await station.call("ClearedChargingLimit", {"evseId": 1, "chargingLimitSource": "EMS"})
    station.answered("ClearedChargingLimit", {})
    assert "limit" not in (await composite(station, 1))["schedule"]["periods"][0]


async def test_a_dynamic_profile_is_pushed_and_pulled_and_priority_overrules(wire: Wire) -> None:
    charge = await plugged(wire, "2.1")
    station = charge.station
    dynamic = {k: v for k, v in schedule(10).items() if k not in {"duration", "startSchedule"}}
    await send(station, 1, profile(chargingProfileKind="Dynamic", dynUpdateInterval=60, chargingSchedule=[dynamic]))
    await station.call("PullDynamicScheduleUpdate", {"chargingProfileId": 1})
    station.answered("PullDynamicScheduleUpdate", {"status": "Accepted", "scheduleUpdate": {"limit": 10}})
    push = {"chargingProfileId": 1, "scheduleUpdate": {"limit": 12}}
    await station.commanded("UpdateDynamicSchedule", push, ACCEPTED)
    await station.call("PullDynamicScheduleUpdate", {"chargingProfileId": 1})
    station.answered("PullDynamicScheduleUpdate", {"scheduleUpdate": {"limit": 12}})
    await station.call("PullDynamicScheduleUpdate", {"chargingProfileId": 2})
    station.answered("PullDynamicScheduleUpdate", {"status": "Rejected"})
    fast = {k: v for k, v in schedule(30).items() if k != "duration"} | {"startSchedule": "2020-01-01T00:00:00Z"}
    await send(station, 0, profile("PriorityCharging", number=3, chargingSchedule=[fast]))
    assert (await composite(station, 1))["schedule"]["periods"][0]["limit"] == 12
    urgent = {"transactionId": charge.id, "activate": True}
    await station.commanded("UsePriorityCharging", urgent, ACCEPTED)
    assert (await composite(station, 1))["schedule"]["periods"][0]["limit"] == 30
    await station.call("NotifyPriorityCharging", {"transactionId": charge.id, "activated": False})
    station.answered("NotifyPriorityCharging", {})
    assert (await composite(station, 1))["schedule"]["periods"][0]["limit"] == 12
