"""Block B of 2.x and chapter 4.2 of 1.6: boot, what a station may say before it is accepted; keys of 1.6."""

import asyncio
from typing import Any

import pytest
from tests.conformance.sessions import Charge2x, Charge16, id_token, status
from tests.conformance.wire import ANY, BOOT2X, BOOT16, CallError, Station, Wire

VERSIONS = pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
both = pytest.mark.parametrize("version", ["2.0.1", "2.1"])
ACCEPTED = {"status": "Accepted"}


async def boots(station: Station, expected: str, **wanted: Any) -> Any:
    await station.call("BootNotification", BOOT16 if station.version == "1.6" else BOOT2X)
    return station.answered("BootNotification", {"status": expected, "currentTime": ANY, "interval": ANY, **wanted})


async def policy(station: Station, wanted: str, interval_s: int | None = None) -> None:
    """Have the station's next boots answered with a status."""
    body = {"id": station.name, "boot": {"status": wanted, "interval_s": interval_s}}
    told = await station.wire.api("POST", "/stations", body)
    assert told.status_code == 200, told.text


async def refused(station: Station, action: str, payload: Any) -> None:
    await station.call(action, payload)
    station.refused(action, "SecurityError")


@both
@pytest.mark.conformance("TC_B_01_CSMS")
async def test_a_cold_boot_is_accepted_with_an_interval_and_the_time(wire: Wire, version: str) -> None:
    station = await wire.station(version, boot=False)
    assert (await boots(station, "Accepted"))["interval"] > 0
    await status(station, "Available")
    await station.call("Heartbeat", {})
    station.answered("Heartbeat", {"currentTime": ANY})


@VERSIONS
@pytest.mark.conformance("TC_B_58_CSMS")
async def test_the_version_is_chosen_among_those_offered(wire: Wire, version: str) -> None:
    name = wire.enrol(wire.name())
    station = await wire.dial(name, version, offering=("9.9", "1.2"))
    assert station.socket.subprotocol == f"ocpp{version}"
    await boots(station, "Accepted")


@pytest.mark.conformance("OCPP16_4.2", "OCPP16_4.6")
async def test_a_1_6_boot_is_accepted_and_a_heartbeat_brings_the_time(wire: Wire) -> None:
    station = await wire.station("1.6", boot=False)
    assert (await boots(station, "Accepted"))["interval"] > 0
    await station.call("Heartbeat", {})
    station.answered("Heartbeat", {"currentTime": ANY})


async def pends(wire: Wire, version: str) -> None:
    """Boot as a station whose policy says pending, work meanwhile, be accepted."""
    station = await wire.station(version, boot=False)
    await policy(station, "Pending", 7)
    await boots(station, "Pending", interval=7)
    await refused(station, "Heartbeat", {})
    await policy(station, "Accepted", 300)
    await boots(station, "Accepted", interval=300)
    await status(station, "Available")


@both
@pytest.mark.conformance("TC_B_02_CSMS")
async def test_a_pending_station_is_accepted_later(wire: Wire, version: str) -> None:
    await pends(wire, version)


@pytest.mark.conformance("OCPP16_4.2.pending")
async def test_a_pending_1_6_station_is_accepted_later(wire: Wire) -> None:
    await pends(wire, "1.6")


@both
@pytest.mark.conformance("TC_B_30_CSMS")
@pytest.mark.parametrize("held", ["Pending", "Rejected"])
async def test_a_station_that_is_not_accepted_is_told_so(wire: Wire, version: str, held: str) -> None:
    station = await wire.station(version, boot=False)
    await policy(station, held)
    await boots(station, held)
    await refused(station, "Authorize", {"idToken": id_token()})
    await refused(station, "Heartbeat", {})
    await boots(station, held)


@both
@pytest.mark.conformance("TC_B_31_CSMS")
async def test_a_pending_station_may_say_what_it_is_asked_for(wire: Wire, version: str) -> None:
    station = await wire.station(version, boot=False)
    await policy(station, "Pending")
    await boots(station, "Pending")
    await refused(station, "Heartbeat", {})
    await station.commanded("TriggerMessage", {"requestedMessage": "Heartbeat"}, ACCEPTED)
    await station.call("Heartbeat", {})
    station.answered("Heartbeat", {"currentTime": ANY})
    await refused(station, "Heartbeat", {})
    await station.commanded("TriggerMessage", {"requestedMessage": "BootNotification"}, ACCEPTED)
    await policy(station, "Accepted")
    await boots(station, "Accepted")


@pytest.mark.conformance("OCPP16_4.2.rejected")
async def test_a_rejected_1_6_station_is_told_how_long_to_wait(wire: Wire) -> None:
    station = await wire.station("1.6", boot=False)
    await policy(station, "Rejected", 90)
    await boots(station, "Rejected", interval=90)
    sent = station.command("Reset", {"type": "Soft"})
    told = await asyncio.wait_for(sent, 10)
    assert (told.status_code, told.json()["code"]) == (422, "station_rejected")
    station.never_asked("Reset")
    await policy(station, "Accepted", 90)
    await boots(station, "Accepted", interval=90)


@pytest.mark.conformance("OCPP16_4.2.1")
async def test_what_was_charged_before_a_1_6_station_was_accepted_is_not_lost(wire: Wire) -> None:
    charge = Charge16(await wire.station("1.6", boot=False))
    await policy(charge.station, "Pending")
    await boots(charge.station, "Pending")
    await charge.started(1000, -60)
    await charge.reading(2000, -40)
    await charge.stopped(3000, -30)
    await policy(charge.station, "Accepted")
    await boots(charge.station, "Accepted")
    assert (await charge.shown())["energy_wh"] == "2000"


@both
async def test_what_was_charged_before_a_station_was_accepted_is_not_lost(wire: Wire, version: str) -> None:
    charge = Charge2x(await wire.station(version))
    await policy(charge.station, "Pending")
    await boots(charge.station, "Pending")
    await charge.event("Started", "CablePluggedIn", evse=charge.place(), info={"chargingState": "EVConnected"})
    await policy(charge.station, "Accepted")
    await boots(charge.station, "Accepted")
    assert (await charge.shown())["active"]


@pytest.mark.conformance("OCPP16S_A00.FR.805", "OCPP16S_A00.FR.806")
async def test_a_1_6_station_is_held_back_until_its_credentials_are_renewed(wire: Wire) -> None:
    station = await wire.station("1.6", boot=False)
    await policy(station, "Pending")
    await boots(station, "Pending")
    await refused(station, "Authorize", {"idTag": "CARD"})
    station.replies["ChangeConfiguration"] = ACCEPTED
    serving = asyncio.create_task(station.serve())
    renewed = await wire.api("POST", f"/stations/{station.name}/password")
    serving.cancel()
    assert (renewed.status_code, renewed.json()["good"]) == (200, "new")
    fresh = bytes.fromhex(station.asked("ChangeConfiguration", {"key": "AuthorizationKey"})["value"])
    await station.close()
    await policy(station, "Accepted")
    station = await wire.dial(station.name, "1.6", password=fresh)
    await boots(station, "Accepted")
    await station.call("Authorize", {"idTag": "CARD"})
    station.answered("Authorize", {"idTagInfo": ACCEPTED})


# Configuration of 1.6


@pytest.mark.conformance("OCPP16_5.3")
@pytest.mark.parametrize("answer", ["Accepted", "RebootRequired", "Rejected", "NotSupported"])
async def test_a_1_6_key_is_changed_or_not(wire: Wire, answer: str) -> None:
    station = await wire.station("1.6")
    payload = {"key": "MeterValueSampleInterval", "value": "60"}
    await station.commanded("ChangeConfiguration", payload, {"status": answer})


@pytest.mark.conformance("OCPP16_5.8")
async def test_1_6_keys_are_read_some_or_all(wire: Wire) -> None:
    station = await wire.station("1.6")
    interval = {"key": "HeartbeatInterval", "readonly": False, "value": "300"}
    connectors = {"key": "NumberOfConnectors", "readonly": True, "value": "2"}
    some = {"configurationKey": [interval], "unknownKey": ["Nonsense"]}
    await station.commanded("GetConfiguration", {"key": ["HeartbeatInterval", "Nonsense"]}, some)
    await station.commanded("GetConfiguration", {}, {"configurationKey": [interval, connectors]})


@VERSIONS
async def test_a_station_may_fail_a_command(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    action = "GetConfiguration" if version == "1.6" else "GetVariables"
    payload = {} if version == "1.6" else {"getVariableData": [{"component": {"name": "A"}, "variable": {"name": "B"}}]}
    await station.commanded(action, payload, CallError("InternalError", "try again"))


@pytest.mark.conformance("TC_A_02_CSMS", "OCPP16S_A00.FR.204")
@VERSIONS
async def test_a_station_is_refused_under_another_name(wire: Wire, version: str) -> None:
    name = wire.enrol(wire.name())
    await wire.refused(name, 401, version=version, user=wire.enrol(wire.name()))
