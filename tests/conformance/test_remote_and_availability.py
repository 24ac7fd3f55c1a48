"""Blocks F and G of 2.x and their like in 1.6: remote control, triggers, availability."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.conformance.sessions import Charge2x, Charge16, at, id_token, sample, seed, status
from tests.conformance.wire import ANY, BOOT2X, BOOT16, CallError, Station, Wire

both = pytest.mark.parametrize("version", ["2.0.1", "2.1"])
ACCEPTED = {"status": "Accepted"}


async def remote_start(station: Station, token: str, number: int = 7, **more: Any) -> None:
    payload = {"remoteStartId": number, "idToken": id_token(token), "evseId": 1}
    await station.commanded("RequestStartTransaction", payload, ACCEPTED | more)


@both
@pytest.mark.conformance("TC_F_01_CSMS")
async def test_a_remote_start_finds_the_cable_in(wire: Wire, version: str) -> None:
    charge = Charge2x(await wire.station(version), token=await seed(wire))
    await charge.plugged()
    await remote_start(charge.station, charge.token, transactionId=charge.id)
    await charge.event("Updated", "RemoteStart", info={"remoteStartId": 7}, token=charge.token)
    charge.station.answered("TransactionEvent", {"idTokenInfo": {"status": "Accepted"}})
    await charge.charging()
    assert (await charge.shown())["authorization"] == "Accepted"


async def started_remotely(charge: Charge2x) -> None:
    await charge.event("Started", "RemoteStart", info={"remoteStartId": 7}, token=charge.token)
    charge.station.answered("TransactionEvent", {"idTokenInfo": {"status": "Accepted"}})
    await charge.plugged()
    await charge.charging()
    assert (await charge.shown())["active"]


@both
@pytest.mark.conformance("TC_F_02_CSMS")
async def test_a_remote_start_is_asked_about_and_waits_for_the_cable(wire: Wire, version: str) -> None:
    charge = Charge2x(await wire.station(version), token=await seed(wire))
    await remote_start(charge.station, charge.token)
    await charge.authorize()
    await started_remotely(charge)


@both
@pytest.mark.conformance("TC_F_03_CSMS")
async def test_a_remote_start_is_believed_and_waits_for_the_cable(wire: Wire, version: str) -> None:
    charge = Charge2x(await wire.station(version), token=await seed(wire))
    await remote_start(charge.station, charge.token)
    await started_remotely(charge)


@pytest.mark.conformance("TC_F_04_CSMS")
async def test_a_remote_start_without_a_cable_runs_out(wire: Wire) -> None:
    charge = Charge2x(await wire.station(), token=await seed(wire))
    await remote_start(charge.station, charge.token)
    await charge.event("Started", "RemoteStart", info={"remoteStartId": 7}, token=charge.token)
    await charge.event("Updated", "EVConnectTimeout")
    assert (await charge.shown())["active"]


@both
@pytest.mark.conformance("TC_F_06_CSMS")
@pytest.mark.parametrize("answer", ["Unlocked", "UnlockFailed", "OngoingAuthorizedTransaction", "UnknownConnector"])
async def test_a_connector_is_unlocked(wire: Wire, version: str, answer: str) -> None:
    station = await wire.station(version)
    await station.commanded("UnlockConnector", {"evseId": 1, "connectorId": 1}, {"status": answer})


async def idle(station: Station, action: str, **more: Any) -> None:
    await station.call(action, {"status": "Idle", **more})
    station.answered(action, {})


async def meters(station: Station, *evses: int) -> None:
    for evse in evses:
        await station.call("MeterValues", {"evseId": evse, "meterValue": [sample(5, "Trigger", 1)]})
        station.answered("MeterValues", {})


async def beats(station: Station) -> None:
    await station.call("Heartbeat", {})
    station.answered("Heartbeat", {"currentTime": ANY})


def trigger(message: str, follow: Callable[[Station], Awaitable[None]], case: str, **more: Any) -> Any:
    payload = {"requestedMessage": message, **more}
    return pytest.param(payload, follow, marks=pytest.mark.conformance(case), id=case)


TRIGGERS = [
    trigger("MeterValues", lambda s: meters(s, 1), "TC_F_11_CSMS", evse={"id": 1}),
    trigger("MeterValues", lambda s: meters(s, 1, 2), "TC_F_12_CSMS"),
    trigger("LogStatusNotification", lambda s: idle(s, "LogStatusNotification"), "TC_F_15_CSMS"),
    trigger("FirmwareStatusNotification", lambda s: idle(s, "FirmwareStatusNotification"), "TC_F_18_CSMS"),
    trigger("Heartbeat", beats, "TC_F_20_CSMS"),
    trigger("StatusNotification", lambda s: status(s, "Available"), "TC_F_23_CSMS", evse={"id": 1, "connectorId": 1}),
    trigger("StatusNotification", lambda s: status(s, "Occupied"), "TC_F_24_CSMS", evse={"id": 1, "connectorId": 1}),
]


@both
@pytest.mark.parametrize(("payload", "follow"), TRIGGERS)
async def test_a_triggered_message_is_taken(
    wire: Wire, version: str, payload: dict[str, Any], follow: Callable[[Station], Awaitable[None]]
) -> None:
    station = await wire.station(version)
    await station.commanded("TriggerMessage", payload, ACCEPTED)
    await follow(station)


@both
@pytest.mark.conformance("TC_F_13_CSMS", "TC_F_14_CSMS")
async def test_triggered_events_of_a_transaction_are_taken(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    charges = [Charge2x(station, evse) for evse in (1, 2)]
    for charge in charges:
        await charge.started()
    for place, told in (({"evse": {"id": 1}}, charges[:1]), ({}, charges)):
        await station.commanded("TriggerMessage", {"requestedMessage": "TransactionEvent", **place}, ACCEPTED)
        for charge in told:
            await charge.reading("Trigger", "Trigger")
            assert (await charge.shown())["active"]


@both
@pytest.mark.conformance("TC_F_27_CSMS")
async def test_a_trigger_may_not_be_implemented(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    payload = {"requestedMessage": "SignCombinedCertificate"}
    await station.commanded("TriggerMessage", payload, {"status": "NotImplemented"})


def availability(case: str, operational: str, place: dict[str, int] | None) -> Any:
    payload: dict[str, Any] = {"operationalStatus": operational}
    if place is not None:
        payload["evse"] = place
    return pytest.param(payload, marks=pytest.mark.conformance(case), id=case)


EVSE, CONNECTOR = {"id": 1}, {"id": 1, "connectorId": 1}
AVAILABILITY = [
    availability("TC_G_03_CSMS", "Inoperative", EVSE),
    availability("TC_G_04_CSMS", "Operative", EVSE),
    availability("TC_G_05_CSMS", "Inoperative", None),
    availability("TC_G_06_CSMS", "Operative", None),
    availability("TC_G_07_CSMS", "Inoperative", CONNECTOR),
    availability("TC_G_08_CSMS", "Operative", CONNECTOR),
]


async def shown_status(station: Station, evse: int) -> Any:
    told = (await station.wire.api("GET", f"/stations/{station.name}")).json()
    return next(found["status"] for found in told["evses"] if found["id"] == evse)


@both
@pytest.mark.parametrize("payload", AVAILABILITY)
async def test_availability_changes_as_asked(wire: Wire, version: str, payload: dict[str, Any]) -> None:
    station = await wire.station(version)
    become = {"Inoperative": "Unavailable", "Operative": "Available"}[payload["operationalStatus"]]
    await status(station, "Available" if become == "Unavailable" else "Unavailable")
    await station.commanded("ChangeAvailability", payload, ACCEPTED)
    for evse in (1, 2) if "evse" not in payload else (1,):
        await status(station, become, evse)
        assert await shown_status(station, evse) == become


@both
@pytest.mark.conformance("TC_G_07_CSMS", "TC_G_08_CSMS", "TC_F_23_CSMS")
async def test_a_connectors_state_may_come_as_an_event(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    for number, state in enumerate(("Available", "Unavailable", "Available")):
        event = {
            "eventId": number,
            "timestamp": at(number),
            "trigger": "Delta",
            "actualValue": state,
            "eventNotificationType": "HardWiredNotification",
            "component": {"name": "Connector", "evse": CONNECTOR},
            "variable": {"name": "AvailabilityState"},
        }
        await station.call("NotifyEvent", {"generatedAt": at(number), "seqNo": 0, "eventData": [event]})
        station.answered("NotifyEvent", {})
        assert await shown_status(station, 1) == state


SCHEDULED = [
    availability("TC_G_11_CSMS", "Inoperative", EVSE),
    availability("TC_G_14_CSMS", "Inoperative", None),
    availability("TC_G_17_CSMS", "Inoperative", CONNECTOR),
]


@both
@pytest.mark.parametrize("payload", SCHEDULED)
async def test_availability_waits_for_the_charge(wire: Wire, version: str, payload: dict[str, Any]) -> None:
    charge = Charge2x(await wire.station(version))
    await charge.started()
    await charge.station.commanded("ChangeAvailability", payload, {"status": "Scheduled"})
    if "evse" not in payload:
        await status(charge.station, "Unavailable", 2)
    await charge.stop_authorized()
    await charge.ended()
    await status(charge.station, "Unavailable")
    assert not (await charge.shown())["active"]
    assert await shown_status(charge.station, 1) == "Unavailable"


@both
@pytest.mark.conformance("TC_G_20_CSMS")
async def test_a_lock_that_fails_is_taken(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    event = {
        "eventId": 1,
        "timestamp": at(),
        "trigger": "Delta",
        "actualValue": "true",
        "eventNotificationType": "HardWiredNotification",
        "component": {"name": "ConnectorPlugRetentionLock", "evse": {"id": 1, "connectorId": 1}},
        "variable": {"name": "Problem"},
    }
    await station.call("NotifyEvent", {"generatedAt": at(), "seqNo": 0, "eventData": [event]})
    station.answered("NotifyEvent", {})


IDLE_RESETS = [
    pytest.param({"type": "OnIdle"}, marks=pytest.mark.conformance("TC_B_20_CSMS")),
    pytest.param({"type": "OnIdle", "evseId": 1}, marks=pytest.mark.conformance("TC_B_25_CSMS")),
]
ON_IDLE, AT_ONCE = (
    ("Scheduled", "EVCommunicationLost", "EVDisconnected"),
    ("Accepted", "ResetCommand", "ImmediateReset"),
)
RESETS = [
    pytest.param({"type": "OnIdle"}, ON_IDLE, marks=pytest.mark.conformance("TC_B_21_CSMS")),
    pytest.param({"type": "Immediate"}, AT_ONCE, marks=pytest.mark.conformance("TC_B_22_CSMS")),
    pytest.param({"type": "OnIdle", "evseId": 1}, ON_IDLE, marks=pytest.mark.conformance("TC_B_26_CSMS")),
    pytest.param({"type": "Immediate", "evseId": 1}, AT_ONCE, marks=pytest.mark.conformance("TC_B_27_CSMS")),
]


async def comes_back(station: Station, reason: str) -> None:
    await station.close()
    station = await station.wire.dial(station.name, station.version)
    await station.call("BootNotification", BOOT2X | {"reason": reason})
    station.answered("BootNotification", ACCEPTED)
    await status(station, "Available")


@both
@pytest.mark.parametrize("payload", IDLE_RESETS)
async def test_a_reset_of_what_is_idle(wire: Wire, version: str, payload: dict[str, Any]) -> None:
    station = await wire.station(version)
    await station.commanded("Reset", payload, ACCEPTED)
    if "evseId" in payload:
        await status(station, "Available")
    else:
        await comes_back(station, "RemoteReset")


@both
@pytest.mark.parametrize(("payload", "told"), RESETS)
async def test_a_reset_of_what_charges(
    wire: Wire, version: str, payload: dict[str, Any], told: tuple[str, str, str]
) -> None:
    answer, trigger, reason = told
    charge = Charge2x(await wire.station(version))
    await charge.started()
    await charge.station.commanded("Reset", payload, {"status": answer})
    if payload["type"] == "OnIdle":
        await charge.stop_authorized()
    await charge.ended(trigger, reason)
    assert (await charge.shown())["stop_reason"] == reason
    if "evseId" not in payload:
        await comes_back(charge.station, "ScheduledReset" if payload["type"] == "OnIdle" else "RemoteReset")


# OCPP 1.6


@pytest.mark.conformance("OCPP16_5.11")
@pytest.mark.parametrize("answer", ["Accepted", "Rejected"])
async def test_a_1_6_remote_start_starts_or_not(wire: Wire, answer: str) -> None:
    charge = Charge16(await wire.station("1.6"), token=await seed(wire))
    payload = {"idTag": charge.token, "connectorId": 1}
    await charge.station.commanded("RemoteStartTransaction", payload, {"status": answer})
    if answer == "Accepted":
        await charge.authorize()
        await charge.started()
        assert (await charge.shown())["active"]


@pytest.mark.conformance("OCPP16_5.12")
@pytest.mark.parametrize("answer", ["Accepted", "Rejected"])
async def test_a_1_6_remote_stop_stops_or_not(wire: Wire, answer: str) -> None:
    charge = Charge16(await wire.station("1.6"))
    await charge.started()
    await charge.station.commanded("RemoteStopTransaction", {"transactionId": charge.id}, {"status": answer})
    if answer == "Accepted":
        await charge.stopped(reason="Remote")
    assert (await charge.shown())["active"] == (answer == "Rejected")


@pytest.mark.conformance("OCPP16_5.14")
@pytest.mark.parametrize("kind", ["Soft", "Hard"])
async def test_a_1_6_station_is_reset(wire: Wire, kind: str) -> None:
    charge = Charge16(await wire.station("1.6"))
    await charge.started()
    await charge.station.commanded("Reset", {"type": kind}, ACCEPTED)
    await charge.stopped(reason=f"{kind}Reset")
    await charge.station.close()
    station = await wire.dial(charge.station.name, "1.6")
    await station.call("BootNotification", BOOT16)
    station.answered("BootNotification", ACCEPTED)
    assert (await charge.shown())["stop_reason"] is not None
    await station.commanded("Reset", {"type": kind}, {"status": "Rejected"})


@pytest.mark.conformance("OCPP16_5.18")
@pytest.mark.parametrize("answer", ["Unlocked", "UnlockFailed", "NotSupported"])
async def test_a_1_6_connector_is_unlocked(wire: Wire, answer: str) -> None:
    station = await wire.station("1.6")
    await station.commanded("UnlockConnector", {"connectorId": 1}, {"status": answer})


@pytest.mark.conformance("OCPP16_5.2")
@pytest.mark.parametrize("connector", [0, 1])
@pytest.mark.parametrize("answer", ["Accepted", "Rejected"])
async def test_a_1_6_connector_or_station_changes_its_availability(wire: Wire, connector: int, answer: str) -> None:
    station = await wire.station("1.6")
    for kind, become in (("Inoperative", "Unavailable"), ("Operative", "Available")):
        payload = {"connectorId": connector, "type": kind}
        await station.commanded("ChangeAvailability", payload, {"status": answer})
        if answer == "Accepted":
            await status(station, become)
            assert await shown_status(station, 1) == become


@pytest.mark.conformance("OCPP16_5.2.scheduled")
async def test_a_1_6_connector_leaves_after_its_charge(wire: Wire) -> None:
    charge = Charge16(await wire.station("1.6"))
    await charge.started()
    payload = {"connectorId": 1, "type": "Inoperative"}
    await charge.station.commanded("ChangeAvailability", payload, {"status": "Scheduled"})
    await charge.stopped()
    await status(charge.station, "Unavailable")
    assert await shown_status(charge.station, 1) == "Unavailable"


@pytest.mark.conformance("OCPP16_5.4")
@pytest.mark.parametrize("answer", ["Accepted", "Rejected"])
async def test_a_1_6_cache_is_cleared(wire: Wire, answer: str) -> None:
    await (await wire.station("1.6")).commanded("ClearCache", {}, {"status": answer})


@both
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param("Accepted", marks=pytest.mark.conformance("TC_C_37_CSMS")),
        pytest.param("Rejected", marks=pytest.mark.conformance("TC_C_38_CSMS")),
    ],
)
async def test_a_cache_is_cleared(wire: Wire, version: str, answer: str) -> None:
    await (await wire.station(version)).commanded("ClearCache", {}, {"status": answer})


@pytest.mark.conformance("OCPP16_5.6")
@pytest.mark.parametrize("answer", ["Accepted", "Rejected", "UnknownMessageId", "UnknownVendorId"])
async def test_a_data_transfer_reaches_a_1_6_station(wire: Wire, answer: str) -> None:
    payload = {"vendorId": "org.example", "messageId": "hello", "data": "x"}
    await (await wire.station("1.6")).commanded("DataTransfer", payload, {"status": answer})


TRIGGERS16: dict[str, tuple[str, dict[str, Any]]] = {
    "BootNotification": ("BootNotification", BOOT16),
    "DiagnosticsStatusNotification": ("DiagnosticsStatusNotification", {"status": "Idle"}),
    "FirmwareStatusNotification": ("FirmwareStatusNotification", {"status": "Idle"}),
    "Heartbeat": ("Heartbeat", {}),
    "MeterValues": (
        "MeterValues",
        {"connectorId": 1, "meterValue": [{"timestamp": at(), "sampledValue": [{"value": "1", "context": "Trigger"}]}]},
    ),
    "StatusNotification": (
        "StatusNotification",
        {"connectorId": 1, "errorCode": "NoError", "status": "Available"},
    ),
}


@pytest.mark.conformance("OCPP16_5.17")
@pytest.mark.parametrize("message", TRIGGERS16)
async def test_a_message_triggered_at_a_1_6_station_is_taken(wire: Wire, message: str) -> None:
    station = await wire.station("1.6")
    payload = {"requestedMessage": message} | ({"connectorId": 1} if "connectorId" in TRIGGERS16[message][1] else {})
    await station.commanded("TriggerMessage", payload, ACCEPTED)
    action, told = TRIGGERS16[message]
    await station.call(action, told)
    station.answered(action)


@pytest.mark.conformance("OCPP16_5.17.refused")
@pytest.mark.parametrize("answer", ["Rejected", "NotImplemented"])
async def test_a_1_6_station_may_not_be_triggered(wire: Wire, answer: str) -> None:
    station = await wire.station("1.6")
    await station.commanded("TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 9}, {"status": answer})


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
async def test_a_call_error_is_handed_on(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    await station.commanded("ClearCache", {}, CallError("NotSupported", "no cache"))
