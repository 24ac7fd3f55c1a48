"""Monitoring: monitors set, reported, cleared; events with their severity; streams of values; displays."""

from typing import Any

import pytest
from tests.support.cpo_world import Talker, enrol, make_world
from tests.support.effects import commanded

from wattseal.base.ids import StationId
from wattseal.flow.documents import ALARM, read
from wattseal.flow.fleet.maintenance import announce, withdraw
from wattseal.flow.stations import availability, display, event_streams, monitoring
from wattseal.flow.stations.assemblies import ASSEMBLY
from wattseal.flow.world import World
from wattseal.model.alarm import Alarm, Severity
from wattseal.model.assembly import Assembly
from wattseal.model.display import KeptDisplay
from wattseal.model.monitoring import KeptEvent, KeptLevel, KeptMonitor, KeptStream
from wattseal.model.works import Cause
from wattseal.rules.alarms import CODES, QUIET_DURING_WORKS, severity_of
from wattseal.wire.ocpp.version import Version

S = StationId("S")
AT = "2027-01-15T08:00:00Z"
POWER: dict[str, Any] = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "Power"}}
WANTED = {**POWER, "value": 22.5, "type": "UpperThreshold", "severity": 2}
SET = {**POWER, "type": "UpperThreshold", "severity": 2, "status": "Accepted", "id": 9}


async def made(version: Version = Version.V201) -> tuple[World, Talker]:
    world = make_world()
    await enrol(world, "S")
    return world, Talker(world, "S", version)


async def kept(world: World, kind: str, shape: Any, limit: int = 2000) -> list[Any]:
    found = await world.journal.documents(world.tenant, kind, station_id=S, limit=limit)
    return [read(document, shape) for document in found]


def event(**more: Any) -> dict[str, Any]:
    one = {
        "eventId": 1,
        "timestamp": AT,
        "trigger": "Alerting",
        "actualValue": "23",
        "eventNotificationType": "CustomMonitor",
        **POWER,
        **more,
    }
    return {"generatedAt": AT, "seqNo": 0, "eventData": [one]}


async def raised(world: World) -> list[str]:
    return [alarm.field for alarm in await kept(world, ALARM, Alarm) if alarm.code == "device_event"]


async def test_a_monitor_is_known_once_it_is_set_and_gone_once_it_is_cleared() -> None:
    world, _ = await made()
    refused = {**SET, "status": "Rejected", "type": "Delta", "id": 10}
    answer = {"setMonitoringResult": [refused, SET]}
    ask = {"setMonitoringData": [WANTED, {**WANTED, "type": "Delta"}]}
    await commanded(world, Version.V201, "SetVariableMonitoring", ask, answer)
    (one,) = await kept(world, monitoring.MONITOR, KeptMonitor)
    assert (one.monitor.id, str(one.monitor.value), one.monitor.severity) == (9, "22.5", 2)
    answer = {"clearMonitoringResult": [{"id": 9, "status": "Accepted"}, {"id": 5, "status": "NotFound"}]}
    await commanded(world, Version.V201, "ClearVariableMonitoring", {"id": [9, 5]}, answer)
    assert await kept(world, monitoring.MONITOR, KeptMonitor) == []


async def test_monitors_a_station_reports_are_kept_part_by_part() -> None:
    world, station = await made()
    ask = {"requestId": 4}
    await commanded(world, Version.V201, "GetMonitoringReport", ask, {"status": "Accepted"})
    for number in range(2):
        monitor = {"id": number, "transaction": False, "value": 1, "type": "Delta", "severity": 8}
        told = {
            "requestId": 4,
            "generatedAt": AT,
            "seqNo": number,
            "tbc": number == 0,
            "monitor": [{**POWER, "variableMonitoring": [monitor]}],
        }
        assert await station.call("NotifyMonitoringReport", told) == {}
    assert [one.monitor.id for one in await kept(world, monitoring.MONITOR, KeptMonitor)] == [0, 1]
    (assembly,) = await kept(world, ASSEMBLY, Assembly)
    assert assembly.complete


async def test_base_and_level_are_kept_when_they_are_accepted() -> None:
    world, _ = await made()
    await commanded(world, Version.V201, "SetMonitoringBase", {"monitoringBase": "All"}, {"status": "Accepted"})
    await commanded(world, Version.V201, "SetMonitoringLevel", {"severity": 4}, {"status": "Accepted"})
    await commanded(world, Version.V201, "SetMonitoringLevel", {"severity": 9}, {"status": "Rejected"})
    (one,) = await kept(world, monitoring.LEVEL, KeptLevel)
    assert (one.base, one.level) == ("All", 4)


async def test_an_event_has_the_severity_of_its_monitor() -> None:
    world, station = await made()
    ask, answer = {"setMonitoringData": [WANTED]}, {"setMonitoringResult": [SET]}
    await commanded(world, Version.V201, "SetVariableMonitoring", ask, answer)
    assert await station.call("NotifyEvent", event(variableMonitoringId=9)) == {}
    assert await station.call("NotifyEvent", event(variableMonitoringId=77)) == {}
    assert [one.severity for one in await kept(world, monitoring.EVENT, KeptEvent)] == [2, None]
    assert await raised(world) == ["EVSE.Power"]


@pytest.mark.parametrize(
    ("more", "alarms"),
    [
        ({"severity": 3}, 1),
        ({"severity": 4}, 0),
        ({"severity": 0, "cleared": True}, 0),
        ({"severity": 0, "trigger": "Periodic"}, 0),
        ({"variable": {"name": "Problem"}, "actualValue": "true"}, 1),
        ({"variable": {"name": "Problem"}, "actualValue": "false"}, 0),
    ],
)
async def test_severe_events_and_problems_raise_alarms(more: dict[str, Any], alarms: int) -> None:
    world, station = await made(Version.V21)
    await station.call("NotifyEvent", event(**more))
    assert len(await raised(world)) == alarms


async def test_an_event_may_tell_the_state_of_a_connector() -> None:
    world, station = await made()
    place = {"component": {"name": "Connector", "evse": {"id": 2, "connectorId": 1}}}
    told = event(trigger="Delta", actualValue="Faulted", variable={"name": "AvailabilityState"}, **place)
    await station.call("NotifyEvent", told)
    (state,) = await availability.connectors(world, S)
    assert (state.evse_id, state.connector_id, state.status) == (2, 1, "Faulted")
    told["eventData"][0]["actualValue"] = "Nonsense"
    await station.call("NotifyEvent", told)
    assert [state.status for state in await availability.connectors(world, S)] == ["Faulted"]


async def test_a_flood_of_events_keeps_the_latest() -> None:
    world, station = await made()
    told = event()
    told["eventData"] = [dict(told["eventData"][0], eventId=n) for n in range(100)]
    for _ in range(monitoring.MAX_EVENTS // 100 + 1):
        await station.call("NotifyEvent", told)
    assert len(await kept(world, monitoring.EVENT, KeptEvent)) == monitoring.MAX_EVENTS


async def test_the_latest_values_of_a_stream_are_kept() -> None:
    world, station = await made(Version.V21)
    opened = {"constantStreamData": {"id": 3, "params": {"interval": 10}, "variableMonitoringId": 9}}
    assert await station.call("OpenPeriodicEventStream", opened) == {"status": "Accepted"}
    for number in range(event_streams.MAX_VALUES + 2):
        told = {"id": 3, "pending": 0, "basetime": AT, "data": [{"t": 0.5, "v": str(number)}]}
        await station.raw("NotifyPeriodicEventStream", told)
    (one,) = await kept(world, event_streams.STREAM, KeptStream)
    assert len(one.latest) == event_streams.MAX_VALUES
    assert one.latest[-1] == (AT, "0.5", str(event_streams.MAX_VALUES + 1))
    ask = {"id": 3, "params": {"values": 5}}
    await commanded(world, Version.V21, "AdjustPeriodicEventStream", ask, {"status": "Accepted"})
    await station.call("ClosePeriodicEventStream", {"id": 3})
    (one,) = await kept(world, event_streams.STREAM, KeptStream)
    assert (one.open, one.stream.params.values, one.stream.params.interval) == (False, 5, None)


async def test_streams_have_a_bound_and_values_of_no_stream_go() -> None:
    world, station = await made(Version.V21)
    told: dict[str, Any] = {}
    for number in range(event_streams.MAX_STREAMS + 1):
        opened = {"constantStreamData": {"id": number, "params": {}, "variableMonitoringId": 9}}
        told = await station.call("OpenPeriodicEventStream", opened)
    assert told == {"status": "Rejected"}
    await station.raw(
        "NotifyPeriodicEventStream", {"id": 999, "pending": 0, "basetime": AT, "data": [{"t": 1, "v": "x"}]}
    )
    assert world.counters["event_stream_unknown"] == 1


async def test_what_a_display_shows_is_known() -> None:
    world, station = await made()
    message = {"id": 1, "priority": "InFront", "message": {"format": "UTF8", "content": "Closed", "language": "en"}}
    await commanded(world, Version.V201, "SetDisplayMessage", {"message": message}, {"status": "Accepted"})
    refused = {"message": {**message, "id": 2}}
    await commanded(world, Version.V201, "SetDisplayMessage", refused, {"status": "NotSupportedPriority"})
    ask = {"requestId": 8}
    await commanded(world, Version.V201, "GetDisplayMessages", ask, {"status": "Accepted"})
    for number in (3, 4):
        told = {"requestId": 8, "tbc": number == 3, "messageInfo": [{**message, "id": number}]}
        await station.call("NotifyDisplayMessages", told)
    found = await kept(world, display.DISPLAY, KeptDisplay)
    assert [(one.message.id, one.asked_by) for one in found] == [(1, "admin"), (3, None), (4, None)]
    (assembly,) = await kept(world, ASSEMBLY, Assembly)
    assert (assembly.complete, assembly.parts) == (True, (0, 1))
    await commanded(world, Version.V201, "ClearDisplayMessage", {"id": 3}, {"status": "Accepted"})
    assert [one.message.id for one in await kept(world, display.DISPLAY, KeptDisplay)] == [1, 4]


async def test_what_monitors_say_during_announced_works_is_kept_and_no_alarm() -> None:
    world, station = await made()
    now_ms = world.now_ms()
    hot = event(actualValue="true", component={"name": "TemperatureSensor"}, variable={"name": "Problem"})
    window = await announce(world, "S", now_ms, now_ms + 3_600_000, Cause.MAINTENANCE)
    await station.call("NotifyEvent", hot)
    assert await raised(world) == []
    assert len(await kept(world, monitoring.EVENT, KeptEvent)) == 1
    await withdraw(world, window.id)
    await station.call("NotifyEvent", hot)
    assert await raised(world) == ["TemperatureSensor.Problem"]


def test_no_evidence_is_silenced_by_works() -> None:
    critical = {code for code in CODES if severity_of(code) is Severity.CRITICAL}
    assert QUIET_DURING_WORKS <= CODES
    assert not QUIET_DURING_WORKS & critical
    assert "security_event" not in QUIET_DURING_WORKS
