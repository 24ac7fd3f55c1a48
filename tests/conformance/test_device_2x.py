"""Variables, reports, monitors and events of 2.x (blocks B and N): what the CSMS asks, and what it takes."""

from typing import Any

import pytest
from tests.conformance.sessions import at
from tests.conformance.wire import ANY, CallError, Station, Wire

both = pytest.mark.parametrize("version", ["2.0.1", "2.1"])
OFFLINE = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "OfflineThreshold"}}
REMOTE = {"component": {"name": "AuthCtrlr"}, "variable": {"name": "AuthorizeRemoteStart"}}
EVSE_STATE = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "AvailabilityState"}}
STATION_STATE = {"component": {"name": "ChargingStation"}, "variable": {"name": "AvailabilityState"}}
STATION_POWER = {"component": {"name": "ChargingStation"}, "variable": {"name": "Power"}}
EVSE_POWER = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "Power"}}


async def values(station: Station) -> dict[str, str | None]:
    """Return the actual values the CSMS knows, by `component.variable`."""
    found = {}
    for kept in await station.shown("variables"):
        for variable in kept["variables"]:
            actual = variable["attributes"].get("Actual", {})
            found[f"{kept['component']['name']}.{variable['name']}"] = actual.get("value")
    return found


def name_of(variable: dict[str, Any]) -> str:
    return f"{variable['component']['name']}.{variable['variable']['name']}"


TAKEN = {"Accepted", "RebootRequired"}
ACCEPTED, EMPTY = {"status": "Accepted"}, {"status": "EmptyResultSet"}


@both
@pytest.mark.parametrize(
    "found",
    [
        pytest.param([(OFFLINE, "123")], marks=pytest.mark.conformance("TC_B_06_CSMS")),
        pytest.param([(OFFLINE, "123"), (REMOTE, "true")], marks=pytest.mark.conformance("TC_B_07_CSMS")),
    ],
)
async def test_variables_are_read(wire: Wire, version: str, found: list[tuple[dict[str, Any], str]]) -> None:
    station = await wire.station(version)
    asked = {"getVariableData": [variable for variable, _ in found]}
    told = [{**variable, "attributeStatus": "Accepted", "attributeValue": value} for variable, value in found]
    await station.commanded("GetVariables", asked, {"getVariableResult": told})
    assert await values(station) == {name_of(variable): value for variable, value in found}


@both
@pytest.mark.parametrize("status", ["Accepted", "Rejected", "RebootRequired", "UnknownVariable"])
@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param([(OFFLINE, "123")], marks=pytest.mark.conformance("TC_B_09_CSMS")),
        pytest.param([(OFFLINE, "123"), (REMOTE, "false")], marks=pytest.mark.conformance("TC_B_10_CSMS")),
    ],
)
async def test_variables_are_set(
    wire: Wire, version: str, wanted: list[tuple[dict[str, Any], str]], status: str
) -> None:
    station = await wire.station(version)
    asked = {"setVariableData": [{**variable, "attributeValue": value} for variable, value in wanted]}
    told = {"setVariableResult": [{**variable, "attributeStatus": status} for variable, _ in wanted]}
    await station.commanded("SetVariables", asked, told)
    kept = {name_of(variable): value for variable, value in wanted} if status in TAKEN else {}
    assert {name: value for name, value in (await values(station)).items() if value is not None} == kept


async def report(station: Station, request_id: int, parts: int = 2) -> None:
    """Tell a report in parts; each is taken."""
    for n in range(parts):
        data = [
            {
                **(OFFLINE, REMOTE)[n % 2],
                "variableAttribute": [{"value": "1", "mutability": "ReadWrite"}],
                "variableCharacteristics": {"dataType": "integer", "supportsMonitoring": False},
            }
        ]
        told = {"requestId": request_id, "generatedAt": at(), "seqNo": n, "tbc": n < parts - 1, "reportData": data}
        await station.call("NotifyReport", told)
        station.answered("NotifyReport", {})


@both
@pytest.mark.parametrize(
    ("base", "number"),
    [
        pytest.param("ConfigurationInventory", 1, marks=pytest.mark.conformance("TC_B_12_CSMS")),
        pytest.param("FullInventory", 2, marks=pytest.mark.conformance("TC_B_13_CSMS")),
        pytest.param("SummaryInventory", 0, marks=pytest.mark.conformance("TC_B_14_CSMS")),
    ],
)
async def test_a_base_report_is_taken_in_parts(wire: Wire, version: str, base: str, number: int) -> None:
    station = await wire.station(version)
    await station.commanded("GetBaseReport", {"requestId": number, "reportBase": base}, ACCEPTED)
    await report(station, number)
    (kept,) = await station.shown("reports")
    assert (kept["subject"], kept["complete"], kept["missing"]) == (base, True, [])
    assert set(await values(station)) == {name_of(OFFLINE), name_of(REMOTE)}
    await station.commanded("GetBaseReport", {"requestId": number + 1, "reportBase": base}, EMPTY)


@both
@pytest.mark.conformance("TC_B_18_CSMS")
async def test_a_custom_report_is_taken(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    asked = {"requestId": 5, "componentCriteria": ["Problem"], "componentVariable": [EVSE_STATE]}
    await station.commanded("GetReport", asked, EMPTY)
    asked = {"requestId": 6, "componentCriteria": ["Available"], "componentVariable": [EVSE_STATE]}
    await station.commanded("GetReport", asked, ACCEPTED)
    await report(station, 6, 1)
    assert await values(station) == {name_of(OFFLINE): "1"}


PROFILE = {
    "ocppVersion": "OCPP20",
    "ocppTransport": "JSON",
    "ocppCsmsUrl": "wss://csms.example/ocpp",
    "messageTimeout": 30,
    "securityProfile": 2,
    "ocppInterface": "Wired0",
}


@pytest.mark.parametrize(
    "status",
    [
        pytest.param("Accepted", marks=pytest.mark.conformance("TC_B_42_CSMS")),
        pytest.param("Failed", marks=pytest.mark.conformance("TC_B_44_CSMS")),
        pytest.param("Rejected", marks=pytest.mark.conformance("TC_B_44_CSMS")),
    ],
)
async def test_a_network_profile_is_set_or_not(wire: Wire, status: str) -> None:
    station = await wire.station()
    payload = {"configurationSlot": 1, "connectionData": PROFILE}
    await station.commanded("SetNetworkProfile", payload, {"status": status})
    kept = [(one["slot"], one["connection"]) for one in await station.shown("network-profiles")]
    assert kept == ([(1, PROFILE)] if status == "Accepted" else [])


def criteria(*kinds: str) -> dict[str, Any]:
    return {"monitoringCriteria": [f"{kind}Monitoring" for kind in kinds]}


def variables(*found: dict[str, Any]) -> dict[str, Any]:
    return {"componentVariable": list(found)}


MONITORING_REPORTS = [
    pytest.param(criteria("Delta"), criteria("Threshold"), marks=pytest.mark.conformance("TC_N_01_CSMS")),
    pytest.param(variables(STATION_POWER), variables(EVSE_STATE), marks=pytest.mark.conformance("TC_N_02_CSMS")),
    pytest.param(
        criteria("Delta") | variables(EVSE_STATE),
        criteria("Threshold") | variables(STATION_POWER),
        marks=pytest.mark.conformance("TC_N_03_CSMS"),
    ),
    pytest.param(
        criteria("Threshold") | variables(STATION_POWER, EVSE_POWER),
        criteria("Delta") | variables(STATION_STATE, EVSE_STATE),
        marks=pytest.mark.conformance("TC_N_60_CSMS"),
    ),
    pytest.param(criteria("Periodic"), {}, marks=pytest.mark.conformance("TC_N_47_CSMS")),
]


@pytest.mark.parametrize(("nothing", "something"), MONITORING_REPORTS)
async def test_a_monitoring_report_is_taken(wire: Wire, nothing: dict[str, Any], something: dict[str, Any]) -> None:
    station = await wire.station()
    await station.commanded("GetMonitoringReport", {"requestId": 1, **nothing}, EMPTY)
    await station.commanded("GetMonitoringReport", {"requestId": 2, **something}, ACCEPTED)
    for n in range(2):
        monitor = {"id": n, "transaction": False, "value": 10, "type": "UpperThreshold", "severity": 4}
        told = {
            "requestId": 2,
            "generatedAt": at(),
            "seqNo": n,
            "tbc": n == 0,
            "monitor": [{**STATION_POWER, "variableMonitoring": [monitor]}],
        }
        await station.call("NotifyMonitoringReport", told)
        station.answered("NotifyMonitoringReport", {})
    assert [kept["monitor"]["id"] for kept in await station.shown("monitors")] == [0, 1]


@pytest.mark.conformance("TC_N_05_CSMS")
@pytest.mark.parametrize("base", ["All", "FactoryDefault", "HardWiredOnly"])
@pytest.mark.parametrize("status", ["Accepted", "NotSupported"])
async def test_the_monitoring_base_is_set(wire: Wire, base: str, status: str) -> None:
    station = await wire.station()
    await station.commanded("SetMonitoringBase", {"monitoringBase": base}, {"status": status})
    kept = [one["base"] for one in await station.shown("monitoring")]
    assert kept == ([base] if status == "Accepted" else [])


MONITORS = [
    pytest.param("Delta", 1, 8, marks=pytest.mark.conformance("TC_N_08_CSMS")),
    pytest.param("Periodic", 300, 9, marks=pytest.mark.conformance("TC_N_24_CSMS")),
]


@both
@pytest.mark.parametrize(("kind", "value", "severity"), MONITORS)
async def test_a_monitor_is_set(wire: Wire, version: str, kind: str, value: int, severity: int) -> None:
    station = await wire.station(version)
    wanted = {**EVSE_STATE, "value": value, "type": kind, "severity": severity}
    told = {**EVSE_STATE, "status": "Accepted", "type": kind, "severity": severity, "id": 7}
    payload = {"setMonitoringData": [wanted]}
    await station.commanded("SetVariableMonitoring", payload, {"setMonitoringResult": [told]})
    (kept,) = await station.shown("monitors")
    assert (kept["component"], kept["monitor"]["id"], kept["monitor"]["type"]) == (EVSE_STATE["component"], 7, kind)


@pytest.mark.parametrize(
    ("severity", "status"),
    [
        pytest.param(4, "Accepted", marks=pytest.mark.conformance("TC_N_16_CSMS")),
        pytest.param(9, "Rejected", marks=pytest.mark.conformance("TC_N_17_CSMS")),
    ],
)
async def test_the_monitoring_level_is_set_or_refused(wire: Wire, severity: int, status: str) -> None:
    station = await wire.station()
    await station.commanded("SetMonitoringLevel", {"severity": severity}, {"status": status})
    kept = [one["level"] for one in await station.shown("monitoring")]
    assert kept == ([severity] if status == "Accepted" else [])


@pytest.mark.parametrize(
    "status",
    [
        pytest.param("Accepted", marks=pytest.mark.conformance("TC_N_18_CSMS")),
        pytest.param("Rejected", marks=pytest.mark.conformance("TC_N_44_CSMS")),
        pytest.param("NotFound", marks=pytest.mark.conformance("TC_N_18_CSMS")),
    ],
)
async def test_monitors_are_cleared_or_stay(wire: Wire, status: str) -> None:
    station = await wire.station()
    for ids in ([1, 2], [3]):  # as many messages as the station's ItemsPerMessage makes of them
        told = {"clearMonitoringResult": [{"id": number, "status": status} for number in ids]}
        await station.commanded("ClearVariableMonitoring", {"id": ids}, told)


EVENTS = [
    pytest.param(
        {"trigger": "Alerting", "eventNotificationType": "HardWiredMonitor"},
        marks=pytest.mark.conformance("TC_N_21_CSMS"),
    ),
    pytest.param(
        {"trigger": "Alerting", "eventNotificationType": "CustomMonitor", "cleared": True},
        marks=pytest.mark.conformance("TC_N_49_CSMS"),
    ),
    pytest.param(
        {"trigger": "Periodic", "eventNotificationType": "CustomMonitor"},
        marks=pytest.mark.conformance("TC_N_50_CSMS"),
    ),
]


@both
@pytest.mark.parametrize("event", EVENTS)
async def test_an_event_is_taken(wire: Wire, version: str, event: dict[str, Any]) -> None:
    station = await wire.station(version)
    data = {"eventId": 3, "timestamp": at(), "actualValue": "31.5", "variableMonitoringId": 7, **STATION_POWER, **event}
    for number in range(2):
        await station.call("NotifyEvent", {"generatedAt": at(), "seqNo": number, "eventData": [data]})
        station.answered("NotifyEvent", {})
    kept = (await station.shown("events"))[-1]["event"]
    assert {key: kept[key] for key in event} == event


@pytest.mark.conformance("TC_B_18_CSMS", "TC_N_47_CSMS")
async def test_a_station_without_reports_says_so(wire: Wire) -> None:
    station = await wire.station()
    for action in ("GetReport", "GetMonitoringReport"):
        refused = await station.commanded(action, {"requestId": 1}, CallError("NotSupported"))
        assert refused["record"]
        station.asked(action, {"requestId": ANY})
