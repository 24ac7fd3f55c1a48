"""The Core profile of OCPP 1.6: boot, authorisation, transactions, readings, states; and OCPP-J itself."""

import asyncio
from typing import Any

import pytest
from tests.conformance.sessions import Charge16, at, seed, status
from tests.conformance.wire import ANY, BOOT16, Wire
from tests.support.csms import PASSWORD

STATES = [
    ("Available", "Available"),
    ("Preparing", "Occupied"),
    ("Charging", "Occupied"),
    ("SuspendedEV", "Occupied"),
    ("SuspendedEVSE", "Occupied"),
    ("Finishing", "Occupied"),
    ("Reserved", "Reserved"),
    ("Unavailable", "Unavailable"),
    ("Faulted", "Faulted"),
]
REASONS = [
    "EmergencyStop",
    "EVDisconnected",
    "HardReset",
    "Local",
    "Other",
    "PowerLoss",
    "Reboot",
    "Remote",
    "SoftReset",
    "UnlockCommand",
    "DeAuthorized",
]
ERRORS = ["ConnectorLockFailure", "GroundFailure", "OverCurrentFailure", "PowerMeterFailure", "OtherError", "NoError"]


@pytest.mark.conformance("OCPP16_4.1")
async def test_a_good_token_is_accepted(wire: Wire) -> None:
    charge = Charge16(await wire.station("1.6"), token=await seed(wire))
    await charge.authorize()


@pytest.mark.conformance("OCPP16_4.1.status", "OCPP16_4.8.refused")
@pytest.mark.parametrize("seeded", ["Blocked", "Expired", "Invalid"])
async def test_a_bad_token_is_named_and_its_start_still_gets_an_id(wire: Wire, seeded: str) -> None:
    charge = Charge16(await wire.station("1.6"), token=await seed(wire, seeded))
    await charge.authorize(status=seeded)
    await charge.started(status=seeded)
    await charge.stopped(reason="DeAuthorized")
    assert not (await charge.shown())["active"]


@pytest.mark.conformance("OCPP16_4.1.status")
async def test_an_unknown_token_is_invalid(wire: Wire) -> None:
    await Charge16(await wire.station("1.6")).authorize("NOBODY-KNOWS", "Invalid")


@pytest.mark.conformance("OCPP16_3.9")
async def test_tokens_differ_not_by_case(wire: Wire) -> None:
    token = await seed(wire)
    await Charge16(await wire.station("1.6")).authorize(token.lower())


@pytest.mark.conformance("OCPP16_4.3")
async def test_a_data_transfer_of_a_stranger_is_answered(wire: Wire) -> None:
    station = await wire.station("1.6")
    await station.call("DataTransfer", {"vendorId": "org.example.nobody", "messageId": "m", "data": "x"})
    station.answered("DataTransfer", {"status": "UnknownVendorId"})


@pytest.mark.conformance("OCPP16_3.4", "OCPP16_4.7", "OCPP16_4.8", "OCPP16_4.10")
async def test_a_whole_charge_is_counted(wire: Wire) -> None:
    charge = Charge16(await wire.station("1.6"))
    await status(charge.station, "Preparing")
    await charge.authorize()
    await charge.started(1000)
    await status(charge.station, "Charging")
    for n in (1, 2, 3):
        await charge.reading(1000 + 1000 * n, 5 * n)
    values = [{"timestamp": at(30), "sampledValue": [{"value": "5000", "context": "Transaction.End"}]}]
    await charge.stopped(5000, idTag=charge.token, transactionData=values)
    await status(charge.station, "Finishing")
    await status(charge.station, "Available")
    shown = await charge.shown()
    assert (shown["start_wh"], shown["end_wh"], shown["energy_wh"]) == ("1000", "5000", "4000")
    assert (shown["active"], shown["stop_reason"], shown["authorization"]) == (False, "Local", "Accepted")


@pytest.mark.conformance("OCPP16_4.7.clock")
async def test_readings_of_the_clock_are_taken_while_nothing_charges(wire: Wire) -> None:
    station = await wire.station("1.6")
    for connector in (0, 1, 2):
        values = [{"timestamp": at(15), "sampledValue": [{"value": "1000", "context": "Sample.Clock"}]}]
        await station.call("MeterValues", {"connectorId": connector, "meterValue": values})
        station.answered("MeterValues", {})


@pytest.mark.conformance("OCPP16_4.7.multiple")
async def test_only_the_register_counts_among_many_readings(wire: Wire) -> None:
    charge = Charge16(await wire.station("1.6"))
    await charge.started()
    samples = [
        {"value": "2.5", "measurand": "Energy.Active.Import.Register", "unit": "kWh", "location": "Outlet"},
        {"value": "9000000", "measurand": "Energy.Active.Import.Register", "phase": "L1", "location": "Inlet"},
        {"value": "16", "measurand": "Current.Import", "phase": "L1", "unit": "A"},
        {"value": "230", "measurand": "Voltage", "phase": "L1-N", "unit": "V"},
        {"value": "11", "measurand": "Power.Active.Import", "unit": "kW", "context": "Sample.Periodic"},
        {"value": "50", "measurand": "SoC", "unit": "Percent", "location": "EV"},
        {"value": "21.5", "measurand": "Temperature", "unit": "Celcius", "location": "Body"},
    ]
    values = [{"timestamp": at(5), "sampledValue": samples}]
    payload = {"connectorId": 1, "transactionId": charge.id, "meterValue": values}
    await charge.station.call("MeterValues", payload)
    charge.station.answered("MeterValues", {})
    await charge.stopped(3000)
    shown = await charge.shown()
    assert (shown["energy_wh"], shown["alarms"]) == ("2000", [])


@pytest.mark.conformance("OCPP16_4.9", "OCPP16_3.8")
async def test_every_state_is_shown(wire: Wire) -> None:
    station = await wire.station("1.6")
    await status(station, "Available", 0)
    for told, become in STATES:
        await status(station, told)
        shown = (await wire.api("GET", f"/stations/{station.name}")).json()
        assert [evse["status"] for evse in shown["evses"] if evse["id"] == 1] == [become]


@pytest.mark.conformance("OCPP16_4.9.fault")
@pytest.mark.parametrize("error", ERRORS)
async def test_a_fault_is_taken_with_its_vendors_words(wire: Wire, error: str) -> None:
    station = await wire.station("1.6")
    payload = {
        "connectorId": 1,
        "errorCode": error,
        "status": "Faulted",
        "info": "see the manual",
        "timestamp": at(),
        "vendorId": "org.example",
        "vendorErrorCode": "E42",
    }
    await station.call("StatusNotification", payload)
    station.answered("StatusNotification", {})


@pytest.mark.conformance("OCPP16_4.10.reasons")
@pytest.mark.parametrize("reason", REASONS)
async def test_a_stop_is_taken_for_every_reason(wire: Wire, reason: str) -> None:
    charge = Charge16(await wire.station("1.6"))
    await charge.started()
    await charge.stopped(reason=reason)
    shown = await charge.shown()
    assert not shown["active"]
    assert shown["stop_reason"]


@pytest.mark.conformance("OCPP16_3.16.5")
async def test_a_stop_without_readings_is_taken(wire: Wire) -> None:
    charge = Charge16(await wire.station("1.6"))
    await charge.started()
    await charge.stopped(4000, reason=None)
    assert (await charge.shown())["energy_wh"] == "3000"


@pytest.mark.conformance("OCPP16_3.14")
async def test_times_with_an_offset_are_the_same_times(wire: Wire) -> None:
    charge = Charge16(await wire.station("1.6"))
    await charge.started(timestamp="2027-01-15T10:00:00+02:00")
    await charge.stopped(4000, timestamp="2027-01-15T03:30:00.500-05:00")
    shown = await charge.shown()
    assert shown["ended_at_ms"] - shown["started_at_ms"] == 30 * 60_000 + 500


@pytest.mark.conformance("OCPP16_3.5.4", "OCPP16_3.7")
async def test_what_waited_offline_is_taken_in_order(wire: Wire) -> None:
    station = await wire.station("1.6")
    await station.close()
    charge = Charge16(await wire.dial(station.name, "1.6"), token="NOBODY-KNOWS")
    await charge.started(1000, -600, status="Invalid")
    await charge.reading(2000, -590)
    await charge.stopped(3000, -580)
    shown = await charge.shown()
    assert (shown["active"], shown["energy_wh"]) == (False, "2000")
    assert shown["authorization"] != "Accepted"


@pytest.mark.conformance("OCPP16_3.7.1")
async def test_a_repeated_message_is_answered_again_and_counted_once(wire: Wire) -> None:
    charge = Charge16(await wire.station("1.6"))
    await charge.started()
    first = charge.id
    await charge.station.close()
    charge.station = await wire.dial(charge.station.name, "1.6")
    await charge.started()
    assert charge.id == first
    for _ in range(2):
        await charge.reading(2000)
        await charge.stopped(3000)
    found = (await wire.api("GET", "/transactions", params={"station_id": charge.station.name})).json()
    assert [told["energy_wh"] for told in found] == ["2000"]
    assert found[0]["alarms"] == []


# OCPP-J


@pytest.mark.conformance("OCPP16_J3.1.1")
async def test_the_identity_is_percent_encoded(wire: Wire) -> None:
    name = wire.enrol(f"{wire.name()}|A@B")
    station = await wire.dial(name, "1.6", url=wire.csms.ocpp, path=name.replace("|", "%7C").replace("@", "%40"))
    await station.call("BootNotification", BOOT16)
    station.answered("BootNotification", {"status": "Accepted"})


@pytest.mark.conformance("OCPP16_J3.1.2")
@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
async def test_the_version_is_the_subprotocol(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    assert station.socket.subprotocol == f"ocpp{version}"
    station.answered("BootNotification", {"status": "Accepted"})


@pytest.mark.conformance("OCPP16_J3.2")
async def test_strangers_and_other_tongues_are_refused(wire: Wire) -> None:
    await wire.refused(wire.name(), 401, version="1.6")
    name = wire.enrol(wire.name())
    station = await wire.dial(name, "1.2")
    assert station.socket.subprotocol is None
    await station.closed(1002)


@pytest.mark.conformance("OCPP16_J4.1.1")
async def test_the_csms_asks_one_thing_at_a_time(wire: Wire) -> None:
    station = await wire.station("1.6")
    told = [station.command("GetLocalListVersion", {}) for _ in range(3)]
    for n in range(3):
        asked = await station.next_call("GetLocalListVersion")
        await station.call("Heartbeat", {})
        station.said([2, asked.id, "GetLocalListVersion", {}], [3, ANY, {"currentTime": ANY}])
        await asked.answer({"listVersion": n})
    answers = [(await one).json() for one in told]
    assert sorted(answer["listVersion"] for answer in answers) == [0, 1, 2]


@pytest.mark.conformance("OCPP16_J4.1.1", "OCPP16_J4.1.4")
async def test_calls_of_a_hasty_station_are_all_answered_by_their_ids(wire: Wire) -> None:
    station = await wire.station("1.6")
    waiting = [await station.start("Heartbeat", {}, f"hasty-{n}") for n in range(20)]
    answers = await asyncio.gather(*waiting)
    assert all(answer["currentTime"] for answer in answers)
    station.said(*[[3, f"hasty-{n}", {"currentTime": ANY}] for n in range(20)])


@pytest.mark.conformance("OCPP16_J4.1.3")
async def test_unknown_message_types_are_passed_over(wire: Wire) -> None:
    station = await wire.station("1.6")
    await station.send([9, "x", "Heartbeat", {}])
    await station.send([3, "nobody-asked", {}])
    await station.call("Heartbeat", {}, "after")
    station.said([3, ANY, ANY], [3, "after", {"currentTime": ANY}])


@pytest.mark.conformance("OCPP16_J4.2.1", "OCPP16_J4.2.2")
async def test_frames_are_arrays_of_the_standard(wire: Wire) -> None:
    station = await wire.station("1.6")
    await station.call("Authorize", {"idTag": "CARD"}, "the-id")
    station.said([3, "the-id", {"idTagInfo": {"status": "Accepted"}}])
    told = station.command("ClearCache", {})
    asked = await station.next_call("ClearCache")
    station.said([2, asked.id, "ClearCache", {}])
    assert 1 <= len(asked.id) <= 36
    await asked.answer({"status": "Accepted"})
    assert (await told).status_code == 200


ERRORS_J: dict[str, Any] = {
    "NotImplemented": [2, "e", "Nonsense", {}],
    "NotSupported": [2, "e", "Reset", {"type": "Soft"}],
    "ProtocolError": [2, "e", "Heartbeat"],
    "FormationViolation": [2, "e", "Heartbeat", {"colour": "red"}],
    "OccurenceConstraintViolation": [2, "e", "Authorize", {}],
    "TypeConstraintViolation": [2, "e", "Authorize", {"idTag": 5}],
    "PropertyConstraintViolation": [2, "e", "Authorize", {"idTag": "x" * 21}],
}


@pytest.mark.conformance("OCPP16_J4.2.3")
@pytest.mark.parametrize("code", ERRORS_J)
async def test_an_error_has_its_code(wire: Wire, code: str) -> None:
    station = await wire.station("1.6")
    await station.send(ERRORS_J[code])
    await station.call("Heartbeat", {}, "after")
    station.said([4, "e", code, ANY, {}], [3, "after", ANY])


@pytest.mark.conformance("OCPP16_J5.3")
async def test_a_ping_is_answered(wire: Wire) -> None:
    station = await wire.station("1.6")
    async with asyncio.timeout(10):
        await (await station.socket.ping())
    await station.call("Heartbeat", {})
    station.answered("Heartbeat", {"currentTime": ANY})


@pytest.mark.conformance("OCPP16_J5.4")
async def test_a_station_that_comes_back_replaces_its_old_connection(wire: Wire) -> None:
    old = await wire.station("1.6")
    new = await wire.dial(old.name, "1.6")
    await old.closed(1000)
    await new.call("Heartbeat", {})
    new.answered("Heartbeat", {"currentTime": ANY})


@pytest.mark.conformance("TC_A_01_CSMS", "OCPP16S_A00.FR.202", "OCPP16S_A00.FR.203")
@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
async def test_name_and_password_open_every_connection(wire: Wire, version: str) -> None:
    name = wire.enrol(wire.name())
    await wire.refused(name, 401, version=version, password=None)
    for _ in range(2):
        station = await wire.dial(name, version, password=PASSWORD)
        await station.call("Heartbeat", {})
        station.answered("Heartbeat", {"currentTime": ANY})
        await station.close()


@pytest.mark.conformance("TC_A_03_CSMS", "OCPP16S_A00.FR.203")
@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
@pytest.mark.parametrize("password", ["", "wrong", PASSWORD + "x", PASSWORD.upper(), PASSWORD[:-1]])
async def test_a_wrong_password_is_refused(wire: Wire, version: str, password: str) -> None:
    await wire.refused(wire.enrol(wire.name()), 401, version=version, password=password)
