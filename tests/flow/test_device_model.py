"""The device model: reports put together from parts in any order, values read and written, secrets kept nowhere."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.cpo_world import Talker, enrol, make_world
from tests.support.effects import commanded

from wattseal.base.ids import StationId
from wattseal.flow.documents import read
from wattseal.flow.stations import assemblies, device_model
from wattseal.flow.world import World
from wattseal.model.assembly import Assembly
from wattseal.model.device import Component, KeptComponent, Variable
from wattseal.wire.ocpp.version import Version

S = StationId("S")
AT = "2027-01-15T08:00:00Z"


async def made(version: Version = Version.V201) -> tuple[World, Talker]:
    world = make_world()
    await enrol(world, "S")
    return world, Talker(world, "S", version)


def entry(component: str, variable: str, value: str | None = "1", **more: Any) -> dict[str, Any]:
    attribute: dict[str, Any] = {"mutability": "ReadWrite", **more.pop("attribute", {})}
    if value is not None:
        attribute["value"] = value
    return {
        "component": {"name": component, **more},
        "variable": {"name": variable},
        "variableAttribute": [attribute],
        "variableCharacteristics": {"dataType": "integer", "supportsMonitoring": True, "unit": "s", "maxLimit": 10.5},
    }


def part(seq_no: int, *entries: dict[str, Any], tbc: bool = False, request_id: int = 7) -> dict[str, Any]:
    data = {"reportData": list(entries)} if entries else {}
    return {"requestId": request_id, "generatedAt": AT, "seqNo": seq_no, "tbc": tbc, **data}


async def followed(world: World) -> list[Assembly]:
    found = await world.journal.documents(world.tenant, assemblies.ASSEMBLY, station_id=S)
    return [read(document, Assembly) for document in found]


async def value(world: World, component: str, variable: str) -> str | None:
    return await device_model.value_of(world, S, Component(component), Variable(variable))


async def test_a_report_in_parts_is_whole_when_the_last_has_come() -> None:
    world, station = await made()
    ask = {"requestId": 7, "reportBase": "FullInventory"}
    await commanded(world, Version.V201, "GetBaseReport", ask, {"status": "Accepted"})
    await station.call("NotifyReport", part(0, entry("OCPPCommCtrlr", "HeartbeatInterval", "300"), tbc=True))
    (one,) = await followed(world)
    assert (one.subject, one.asked_by, one.answer, one.complete) == ("FullInventory", "admin", "Accepted", False)
    await station.call("NotifyReport", part(2, entry("TxCtrlr", "EVConnectionTimeOut", "60")))
    (one,) = await followed(world)
    assert (one.complete, one.missing) == (False, (1,))
    world.forget()
    await station.call("NotifyReport", part(1, entry("EVSE", "Power", "22", evse={"id": 2}), tbc=True))
    (one,) = await followed(world)
    assert one.complete
    assert await value(world, "OCPPCommCtrlr", "heartbeatinterval") == "300", "names are compared without case"
    kept = await device_model.component_of(world, S, Component("TxCtrlr"))
    assert kept is not None
    characteristics = kept.variables[0].characteristics
    assert characteristics is not None
    assert (characteristics.unit, str(characteristics.max_limit)) == ("s", "10.5")


async def test_a_part_that_comes_before_the_answer_to_the_question_counts() -> None:
    world, station = await made()
    await station.call("NotifyReport", part(0))
    ask = {"requestId": 7, "reportBase": "SummaryInventory"}
    await commanded(world, Version.V201, "GetBaseReport", ask, {"status": "Accepted"})
    (one,) = await followed(world)
    assert (one.complete, one.answer) == (True, "Accepted")


@given(st.permutations(range(5)), st.lists(st.integers(0, 4), max_size=5))
def test_the_order_and_repetition_of_parts_do_not_matter(order: list[int], again: list[int]) -> None:
    assembly = Assembly(station_id="S", action="NotifyReport", request_id=1, at_ms=0)
    for number in (*order, *again):
        assembly = assembly.with_part(number, more=number != 4, now_ms=1)
    assert assembly.complete
    assert assembly.parts == (0, 1, 2, 3, 4)


async def test_reports_nobody_asked_for_fill_no_disk() -> None:
    world, station = await made()
    for number in range(assemblies.MAX_ASSEMBLIES + 5):
        await station.call("NotifyReport", part(0, request_id=number))
    found = await followed(world)
    assert sorted(one.request_id for one in found) == list(range(5, assemblies.MAX_ASSEMBLIES + 5))


async def test_a_station_with_endless_components_fills_no_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_model, "MAX_COMPONENTS", 3)
    world, station = await made()
    entries = [entry("Component", "Variable", str(n), instance=str(n)) for n in range(5)]
    await station.call("NotifyReport", part(0, *entries))
    found = await world.journal.documents(world.tenant, device_model.COMPONENT, station_id=S)
    assert len(found) == 3
    assert world.counters["components_beyond_limit"] == 2


async def test_secrets_are_kept_nowhere() -> None:
    world, station = await made()
    told = entry("SecurityCtrlr", "BasicAuthPassword", "hunter2hunter2hunter2")
    write_only = entry("VendorCtrlr", "Pin", "hunter2hunter2hunter2", attribute={"mutability": "WriteOnly"})
    await station.call("NotifyReport", part(0, told, write_only))
    place = {"component": {"name": "VendorCtrlr"}, "variable": {"name": "Pin"}}
    ask = {"setVariableData": [{**place, "attributeValue": "hunter2hunter2hunter3"}]}
    answer = {"setVariableResult": [{**place, "attributeStatus": "Accepted"}]}
    await commanded(world, Version.V201, "SetVariables", ask, answer)
    found = await world.journal.documents(world.tenant, device_model.COMPONENT, station_id=S)
    assert not any(b"hunter2" in document.body for document in found)
    attributes = [read(d, KeptComponent).variables[0].attributes["Actual"] for d in found]
    assert [(a.hidden, a.value) for a in attributes] == [(True, None), (True, None)]


async def test_what_was_set_is_known_and_what_was_refused_is_not() -> None:
    world, _ = await made()
    heartbeat = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
    retries = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "ResetRetries"}}
    profile = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "SecurityProfile"}}
    ask = {
        "setVariableData": [
            {**heartbeat, "attributeValue": "60"},
            {**retries, "attributeValue": "9"},
            {**profile, "attributeValue": "2"},
        ]
    }
    answer = {
        "setVariableResult": [
            {**profile, "attributeStatus": "RebootRequired"},
            {**retries, "attributeStatus": "Rejected"},
            {**heartbeat, "attributeStatus": "Accepted"},
        ]
    }
    await commanded(world, Version.V201, "SetVariables", ask, answer)
    assert await value(world, "OCPPCommCtrlr", "HeartbeatInterval") == "60"
    assert await value(world, "OCPPCommCtrlr", "ResetRetries") is None
    kept = await device_model.component_of(world, S, Component("SecurityCtrlr"))
    assert kept is not None
    assert kept.variables[0].attributes["Actual"].reboot


async def test_keys_of_16_are_variables_of_2x_where_it_has_them() -> None:
    world, _ = await made(Version.V16)
    answer = {
        "configurationKey": [
            {"key": "HeartbeatInterval", "readonly": False, "value": "900"},
            {"key": "NumberOfConnectors", "readonly": True, "value": "2"},
            {"key": "AuthorizationKey", "readonly": False, "value": "hunter2hunter2hunter2"},
        ],
        "unknownKey": ["Nonsense"],
    }
    await commanded(world, Version.V16, "GetConfiguration", {}, answer)
    assert await value(world, "OCPPCommCtrlr", "HeartbeatInterval") == "900"
    assert await value(world, "1.6", "NumberOfConnectors") == "2"
    assert await value(world, "SecurityCtrlr", "BasicAuthPassword") is None
    assert await value(world, "1.6", "Nonsense") is None
    ask = {"key": "HeartbeatInterval", "value": "120"}
    await commanded(world, Version.V16, "ChangeConfiguration", ask, {"status": "Accepted"})
    assert await value(world, "OCPPCommCtrlr", "HeartbeatInterval") == "120"
    ask = {"key": "HeartbeatInterval", "value": "130"}
    await commanded(world, Version.V16, "ChangeConfiguration", ask, {"status": "NotSupported"})
    assert await value(world, "OCPPCommCtrlr", "HeartbeatInterval") == "120"
