"""Block K of 2.x and smart charging of 1.6: profiles sent, replaced, cleared, read back, and what results of them."""

import asyncio
from typing import Any

import pytest
from tests.conformance.profiles import ACCEPTED, VALID, composite, installed, plugged, profile, send
from tests.conformance.sessions import Charge2x, at, id_token, seed
from tests.conformance.wire import ANY, CallError, Station, Wire

both = pytest.mark.parametrize("version", ["2.0.1", "2.1"])


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
