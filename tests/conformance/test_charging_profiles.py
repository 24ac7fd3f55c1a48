"""Block K of 2.x and smart charging of 1.6: profiles sent, replaced, cleared, read back, and what results of them."""

import asyncio
from typing import Any

import pytest
from tests.conformance.sessions import Charge2x, Charge16, at, id_token, seed
from tests.conformance.wire import ANY, CallError, Station, Wire

both = pytest.mark.parametrize("version", ["2.0.1", "2.1"])
ACCEPTED = {"status": "Accepted"}
VALID: dict[str, Any] = {"validFrom": at(-60), "validTo": at(600)}


def schedule(limit: float = 6, unit: str = "A", **more: Any) -> dict[str, Any]:
    period = {"startPeriod": 0, "limit": limit, "numberPhases": 3}
    return {
        "id": 1,
        "startSchedule": at(),
        "duration": 3600,
        "chargingRateUnit": unit,
        "chargingSchedulePeriod": [period],
    } | more


def profile(
    purpose: str = "TxDefaultProfile", number: int = 1, level: int = 0, limit: float = 6, **more: Any
) -> dict[str, Any]:
    return {
        "id": number,
        "stackLevel": level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        "chargingSchedule": [schedule(limit)],
    } | more


async def send(station: Station, evse_id: int, sent: dict[str, Any], answer: Any = None) -> None:
    await station.commanded("SetChargingProfile", {"evseId": evse_id, "chargingProfile": sent}, answer or ACCEPTED)


async def installed(station: Station, **query: Any) -> list[tuple[int, int]]:
    told = await station.wire.api("GET", f"/stations/{station.name}/charging-profiles", params=query)
    assert told.status_code == 200, told.text
    return [(kept["evse_id"], kept["profile"]["id"]) for kept in told.json()]


@both
@pytest.mark.conformance("TC_K_01_CSMS", "TC_K_70_CSMS")
async def test_profiles_of_several_levels_are_kept_beside_each_other(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    await send(station, 1, profile(**VALID))
    await send(station, 1, profile(number=2, level=1, **VALID))
    assert await installed(station) == [(1, 1), (1, 2)]


@both
@pytest.mark.conformance("TC_K_03_CSMS", "TC_K_10_CSMS", "TC_K_19_CSMS")
async def test_the_stations_profiles_are_at_evse_0(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    await send(station, 0, profile("ChargingStationMaxProfile", **VALID))
    recurring: dict[str, Any] = {"chargingProfileKind": "Recurring", "recurrencyKind": "Daily"}
    await send(station, 0, profile(number=2, **recurring, **VALID))
    assert await installed(station) == [(0, 1), (0, 2)]


@both
@pytest.mark.conformance("TC_K_04_CSMS")
async def test_a_profile_of_the_same_id_takes_the_place_of_the_one_before(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    await send(station, 1, profile(limit=6))
    await send(station, 1, profile(limit=8))
    told = (await wire.api("GET", f"/stations/{station.name}/charging-profiles")).json()
    limits = [kept["profile"]["chargingSchedule"][0]["chargingSchedulePeriod"][0]["limit"] for kept in told]
    assert limits == [8]


@both
@pytest.mark.conformance("TC_K_05_CSMS", "TC_K_06_CSMS", "TC_K_08_CSMS")
async def test_profiles_are_cleared_by_id_and_by_what_they_are(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    for level in range(3):
        await send(station, 1, profile(number=level + 1, level=level))
    await station.commanded("ClearChargingProfile", {"chargingProfileId": 1}, ACCEPTED)
    criteria = {"evseId": 1, "chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 1}
    await station.commanded("ClearChargingProfile", {"chargingProfileCriteria": criteria}, ACCEPTED)
    assert await installed(station) == [(1, 3)]
    await station.commanded("ClearChargingProfile", {"chargingProfileId": 9}, {"status": "Unknown"})
    assert await installed(station, active=False) == [(1, 1), (1, 2)], "what was cleared stays as history"


@both
@pytest.mark.conformance("TC_K_15_CSMS")
async def test_a_station_without_smart_charging_keeps_no_profile(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    await send(station, 1, profile(**VALID), CallError("NotSupported", ""))
    assert await installed(station) == []


QUESTIONS: dict[str, Any] = {
    "TC_K_29_CSMS": {"evseId": 0, "chargingProfile": {"chargingProfilePurpose": "ChargingStationMaxProfile"}},
    "TC_K_30_CSMS": {"evseId": 1, "chargingProfile": {"chargingLimitSource": ["CSO", "EMS"]}},
    "TC_K_31_CSMS": {"chargingProfile": {"chargingLimitSource": ["CSO"]}},
    "TC_K_32_CSMS": {"chargingProfile": {"chargingProfileId": [4]}},
    "TC_K_33_CSMS": {"evseId": 1, "chargingProfile": {"stackLevel": 0}},
    "TC_K_34_CSMS": {"evseId": 1, "chargingProfile": {"chargingLimitSource": ["CSO"]}},
    "TC_K_35_CSMS": {"evseId": 1, "chargingProfile": {"chargingProfilePurpose": "TxDefaultProfile"}},
    "TC_K_36_CSMS": {"evseId": 1, "chargingProfile": {"chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 0}},
}


@both
@pytest.mark.conformance(*QUESTIONS)
async def test_what_a_station_reports_is_kept_part_by_part(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    for number, (case, question) in enumerate(QUESTIONS.items()):
        asked = {"requestId": number, **question}
        await station.commanded("GetChargingProfiles", asked, ACCEPTED)
        evse_id = question.get("evseId", 1)
        purpose = "ChargingStationMaxProfile" if evse_id == 0 else "TxDefaultProfile"
        parts = [profile(purpose, number=4 + 10 * evse_id, level=evse_id), profile(purpose, number=5, level=9)]
        for place, part in enumerate(parts):
            report = {
                "requestId": number,
                "chargingLimitSource": "CSO",
                "evseId": evse_id,
                "chargingProfile": [part],
                "tbc": place == 0,
            }
            await station.call("ReportChargingProfiles", report)
            station.answered("ReportChargingProfiles", {})
        found = await installed(station)
        assert (evse_id, parts[0]["id"]) in found, case


@both
async def test_a_station_that_has_other_profiles_than_it_was_sent_is_believed_and_found_out(
    wire: Wire, version: str
) -> None:
    station = await wire.station(version)
    await send(station, 1, profile(number=1, limit=6))
    await send(station, 1, profile(number=2, level=1, limit=8))
    await station.commanded(
        "GetChargingProfiles", {"requestId": 5, "chargingProfile": {"chargingLimitSource": ["CSO"]}}, ACCEPTED
    )
    report = {
        "requestId": 5,
        "chargingLimitSource": "CSO",
        "evseId": 1,
        "chargingProfile": [profile(number=2, level=1, limit=32), profile(number=7, level=5)],
    }
    await station.call("ReportChargingProfiles", report)
    station.answered("ReportChargingProfiles", {})
    assert await installed(station) == [(1, 2), (1, 7)]
    limits = (await wire.api("GET", f"/stations/{station.name}/charging-limits")).json()
    (drift,) = limits["drift"]
    assert (drift["missing"], drift["unknown"], drift["changed"]) == ([1], [7], [2])
    alarms = (await wire.api("GET", "/alarms", params={"station_id": station.name})).json()
    assert [alarm["code"] for alarm in alarms] == ["profiles_differ"]
    await station.commanded(
        "GetChargingProfiles",
        {"requestId": 6, "chargingProfile": {"chargingProfilePurpose": "TxDefaultProfile"}},
        {"status": "NoProfiles"},
    )
    assert await installed(station) == []


@both
@pytest.mark.conformance("TC_K_37_CSMS")
async def test_a_remote_start_brings_its_profile(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    token = await seed(wire)
    start = {
        "remoteStartId": 3,
        "idToken": id_token(token),
        "evseId": 1,
        "chargingProfile": profile("TxProfile", **VALID),
    }
    await station.commanded("RequestStartTransaction", start, ACCEPTED)
    charge = Charge2x(station, token=token)
    await charge.event("Started", "RemoteStart", info={"remoteStartId": 3}, token=token, evse=charge.place())
    assert await installed(station) == [(1, 1)]


@both
@pytest.mark.conformance("TC_K_60_CSMS", "TC_K_58_CSMS")
async def test_a_running_transaction_gets_a_profile_and_the_ev_keeps_to_it(wire: Wire, version: str) -> None:
    charge = await plugged(wire, version)
    station = charge.station
    mine = profile("TxProfile", limit=10, transactionId=charge.id, **VALID)
    await send(station, 1, mine)
    await tell_plan(station, mine["chargingSchedule"][0], "Accepted")
    await charge.event("Updated", "ChargingRateChanged", info={"chargingState": "Charging"})
    await charge.ended()
    await send(station, 1, profile(number=2))
    assert await installed(station) == [(1, 2)], "the transaction's profile ended with it"


async def plugged(wire: Wire, version: str) -> Charge2x:
    """Return a charge of an EV that speaks ISO 15118, before energy flows."""
    charge = Charge2x(await wire.station(version), token=await seed(wire))
    await charge.authorized()
    await charge.plugged()
    return charge


AC = {"energyAmount": 20000, "evMinCurrent": 6, "evMaxCurrent": 16, "evMaxVoltage": 400}
NEEDS = {"evseId": 1, "maxScheduleTuples": 3}
AC_NEEDS = {"requestedEnergyTransfer": "AC_three_phase", "acChargingParameters": AC}


async def tell_needs(station: Station, needs: dict[str, Any] | None = None, status: str = "Accepted") -> None:
    await station.call("NotifyEVChargingNeeds", NEEDS | {"chargingNeeds": needs or AC_NEEDS})
    station.answered("NotifyEVChargingNeeds", {"status": status})


async def gets_schedule(charge: Charge2x) -> dict[str, Any]:
    """Wait for the schedule computed for the EV, accept it and return it."""
    asked = await charge.station.next_call("SetChargingProfile")
    await asked.answer(ACCEPTED)
    wanted = {"chargingProfilePurpose": "TxProfile", "transactionId": charge.id, "id": ANY, "chargingSchedule": [ANY]}
    charge.station.asked("SetChargingProfile", {"evseId": 1, "chargingProfile": wanted})
    found: dict[str, Any] = asked.payload["chargingProfile"]["chargingSchedule"][0]
    assert len(found["chargingSchedulePeriod"]) <= 3
    await kept(charge, asked.payload["chargingProfile"]["id"])
    return found


async def kept(charge: Charge2x, number: int) -> None:
    """Wait until the answer to a profile has been taken."""
    for _ in range(100):
        if (1, number) in await installed(charge.station):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the profile was not kept")


async def tell_plan(station: Station, plan: dict[str, Any], status: str) -> None:
    payload = {"timeBase": plan["startSchedule"], "evseId": 1, "chargingSchedule": plan}
    await station.call("NotifyEVChargingSchedule", payload)
    station.answered("NotifyEVChargingSchedule", {"status": status})


@both
@pytest.mark.conformance("TC_K_53_CSMS", "TC_K_57_CSMS")
async def test_an_ev_tells_its_needs_and_gets_a_schedule_within_its_limits(wire: Wire, version: str) -> None:
    charge = await plugged(wire, version)
    await tell_needs(charge.station)
    offered = await gets_schedule(charge)
    assert offered["chargingRateUnit"] == "A"
    assert offered["chargingSchedulePeriod"][0]["limit"] == 16
    await tell_plan(charge.station, offered, "Accepted")
    await charge.charging()
    slower = AC_NEEDS | {"acChargingParameters": AC | {"evMaxCurrent": 10}}
    await tell_needs(charge.station, slower)
    renewed = await gets_schedule(charge)
    assert renewed["chargingSchedulePeriod"][0]["limit"] == 10
    await tell_plan(charge.station, renewed, "Accepted")
    await charge.event("Updated", "ChargingRateChanged")


@both
@pytest.mark.conformance("TC_K_55_CSMS")
async def test_an_ev_that_plans_above_its_limits_is_refused_and_gets_another_schedule(wire: Wire, version: str) -> None:
    charge = await plugged(wire, version)
    await tell_needs(charge.station)
    offered = await gets_schedule(charge)
    above = offered | {"chargingSchedulePeriod": [{"startPeriod": 0, "limit": 32}]}
    await tell_plan(charge.station, above, "Rejected")
    await charge.charging()
    again = await gets_schedule(charge)
    await tell_plan(charge.station, again, "Accepted")
    await charge.event("Updated", "ChargingRateChanged")
    plans = (await wire.api("GET", f"/stations/{charge.station.name}/charging-limits")).json()["plans"]
    assert [plan["within_limits"] for plan in plans] == [True]


@both
@pytest.mark.conformance("TC_K_59_CSMS")
async def test_a_renewed_schedule_makes_the_ev_tell_its_needs_again(wire: Wire, version: str) -> None:
    charge = await plugged(wire, version)
    await send(charge.station, 1, profile("TxProfile", limit=8, transactionId=charge.id))
    await tell_needs(charge.station)
    offered = await gets_schedule(charge)
    await tell_plan(charge.station, offered, "Accepted")


@both
async def test_an_ev_without_a_transaction_or_without_figures_is_promised_nothing(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    await tell_needs(station, status="Rejected")
    charge = await plugged(wire, version)
    await tell_needs(charge.station, {"requestedEnergyTransfer": "DC"}, "Rejected")
    charge.station.never_asked("SetChargingProfile")


@both
@pytest.mark.conformance("TC_K_43_CSMS", "TC_K_44_CSMS")
async def test_a_stations_schedule_is_compared_with_what_its_profiles_come_to(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    await send(station, 0, profile("ChargingStationMaxProfile", number=1, limit=20))
    await send(station, 1, profile(number=2, limit=10))
    told: dict[str, Any] = {"duration": 600, "scheduleStart": at(1), "chargingRateUnit": "A"}
    question: dict[str, Any] = {}
    for evse_id, limit in ((1, 10), (0, 20)):
        told |= {"evseId": evse_id, "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}]}
        question = {"evseId": evse_id, "duration": 600, "chargingRateUnit": "A"}
        await station.commanded("GetCompositeSchedule", question, ACCEPTED | {"schedule": dict(told)})
    shown = await composite(station, 1)
    assert shown["told"]["differences"] == []
    await station.commanded("GetCompositeSchedule", question | {"evseId": 1}, ACCEPTED | {"schedule": told})
    (difference,) = (await composite(station, 1))["told"]["differences"]
    assert (difference["ours"], difference["theirs"], difference["above"]) == (10, 20, True)
    alarms = (await wire.api("GET", "/alarms", params={"station_id": station.name})).json()
    assert [alarm["code"] for alarm in alarms] == ["schedule_differs"]
    await station.commanded("GetCompositeSchedule", question, {"status": "Rejected"})


async def composite(station: Station, evse_id: int, **query: Any) -> dict[str, Any]:
    path = f"/stations/{station.name}/composite-schedule"
    told = await station.wire.api("GET", path, params={"evse_id": evse_id, **query})
    assert told.status_code == 200, told.text
    found: dict[str, Any] = told.json()
    return found


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


@both
async def test_what_a_csms_must_not_send_stays_here(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    await send(station, 1, profile(number=1))
    refused = {
        "duplicate_profile": (1, profile(number=2)),
        "tx_profile_needs_transaction": (1, profile("TxProfile", number=3)),
        "max_profile_is_the_stations": (1, profile("ChargingStationMaxProfile", number=4)),
        "purpose_not_ours": (1, profile("ChargingStationExternalConstraints", number=5)),
        "negative_limit": (1, profile(number=6, level=3, limit=-1)),
    }
    for code, (evse_id, sent) in refused.items():
        told = await station.command("SetChargingProfile", {"evseId": evse_id, "chargingProfile": sent})
        assert (told.status_code, told.json()["code"]) == (409 if code == "duplicate_profile" else 422, code)
    for action, payload in (
        ("ClearChargingProfile", {}),
        ("GetChargingProfiles", {"requestId": 1, "chargingProfile": {}}),
        ("GetCompositeSchedule", {"evseId": 1, "duration": 10**9}),
    ):
        assert (await station.command(action, payload)).status_code == 422
        station.never_asked(action)


def profile16(purpose: str = "TxDefaultProfile", number: int = 1, limit: float = 6, **more: Any) -> dict[str, Any]:
    told = {k: v for k, v in schedule(limit).items() if k != "id"}
    return {
        "chargingProfileId": number,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        "chargingSchedule": told,
    } | more


async def send16(station: Station, connector: int, sent: dict[str, Any], answer: Any = None) -> None:
    payload = {"connectorId": connector, "csChargingProfiles": sent}
    await station.commanded("SetChargingProfile", payload, answer or ACCEPTED)


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
    stopped = await limited({"limit_a": 0, "evse_id": 1, "below_floor": True})
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
