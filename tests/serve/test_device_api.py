"""What stations tell of themselves, over HTTP: connectors, boots, variables, reports about customers."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.cpo_process import Answer, Cpo, Nursery
from websockets.asyncio.client import ClientConnection

AT = "2027-01-15T08:00:00Z"
BOOT16 = {"chargePointVendor": "V", "chargePointModel": "M", "firmwareVersion": "1"}
BOOT2X = {"reason": "PowerUp", "chargingStation": {"model": "M", "vendorName": "V"}}
HEARTBEAT = {"component": "OCPPCommCtrlr", "variable": "HeartbeatInterval"}


@pytest.fixture(scope="module")
def cpo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cpo]:
    nursery = Nursery()
    made = nursery.start(tmp_path_factory.mktemp("device") / "cpo", settings={"devices": {"inventory": True}})
    for station in ("DV16", "DV2X", "Dv-Mixed", "NEW16", "NEW2X"):
        made.enrol(station)
    yield made
    nursery.close()


async def booted(socket: ClientConnection, action: str, payload: Any, answer: Any) -> None:
    """Boot as what was never seen before, and answer what is asked then."""
    await said(socket, "BootNotification", payload)
    await answered(socket, action, answer)


async def said(socket: ClientConnection, action: str, payload: Any) -> Any:
    await socket.send(json.dumps([2, action, action, payload]))
    kind, _, answer = json.loads(await asyncio.wait_for(socket.recv(), 20))[:3]
    assert kind == 3
    return answer


async def answered(socket: ClientConnection, action: str, answer: Any) -> Any:
    """Wait for a command, answer it, and return its payload."""
    kind, number, asked, payload = json.loads(await asyncio.wait_for(socket.recv(), 20))
    assert (kind, asked) == (2, action)
    await socket.send(json.dumps([3, number, answer]))
    return payload


def post(cpo: Cpo, path: str, body: Any) -> "asyncio.Task[Answer]":
    return asyncio.create_task(cpo.asked("POST", f"/api/v1/stations/{path}", body))


async def got(cpo: Cpo, path: str) -> Any:
    answer = await cpo.asked("GET", f"/api/v1/stations/{path}")
    assert answer.status == 200, answer.body
    return answer.json()


async def some(cpo: Cpo, path: str) -> Any:
    """Return a list once it has something: what an answer changes is kept after the station has sent it."""
    for _ in range(200):
        if found := await got(cpo, path):
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"{path} stays empty")


async def test_connectors_show_their_state_and_whether_they_are_in_service(cpo: Cpo) -> None:
    async with cpo.dial("DV16", "ocpp1.6") as socket:
        await booted(socket, "GetConfiguration", BOOT16, {})
        told = {"connectorId": 1, "status": "Charging", "errorCode": "NoError"}
        await said(socket, "StatusNotification", told)
        asked = post(cpo, "DV16/change-availability", {"operational": False, "evse_id": 1})
        await answered(socket, "ChangeAvailability", {"status": "Scheduled"})
        assert (await asked).json()["status"] == "Scheduled"
    found = await got(cpo, "dv16/connectors")
    states = {(one["evse_id"], one["connector_id"]): (one["status"], one.get("detail")) for one in found}
    assert states[1, 1] == ("Occupied", "Charging")
    (order,) = [one["service"] for one in found if one["service"] is not None]
    assert (order["operational"], order["answer"], order["asked_by"]) == (False, "Scheduled", "admin")
    (boot,) = await got(cpo, "DV16/boots")
    assert (boot["status"], boot["firmware"]) == ("Accepted", "1")


async def test_a_station_that_is_another_is_asked_for_its_variables_once(cpo: Cpo) -> None:
    keys = {"configurationKey": [{"key": "NumberOfConnectors", "readonly": True, "value": "2"}]}
    async with cpo.dial("NEW16", "ocpp1.6") as socket:
        await booted(socket, "GetConfiguration", BOOT16, keys)
        await said(socket, "BootNotification", BOOT16)
        asked = post(cpo, "NEW16/clear-cache", {})
        await answered(socket, "ClearCache", {"status": "Accepted"})
        assert (await asked).status == 200, "nothing else was asked in between"
        await booted(socket, "GetConfiguration", {**BOOT16, "firmwareVersion": "2"}, keys)
    (component,) = await some(cpo, "NEW16/variables")
    assert component["variables"][0]["attributes"]["Actual"]["value"] == "2"
    async with cpo.dial("NEW2X", "ocpp2.0.1") as socket:
        await booted(socket, "GetBaseReport", BOOT2X, {"status": "Accepted"})
    (report,) = await some(cpo, "NEW2X/reports")
    assert (report["subject"], report["asked_by"], report["complete"]) == ("FullInventory", "system", False)


async def test_variables_of_16_are_written_one_by_one_under_the_names_of_2x(cpo: Cpo) -> None:
    wanted = [{**HEARTBEAT, "value": "60"}, {"component": "1.6", "variable": "VendorKey", "value": "on"}]
    async with cpo.dial("DV16", "ocpp1.6") as socket:
        asked = post(cpo, "DV16/set-variables", {"variables": wanted})
        first = await answered(socket, "ChangeConfiguration", {"status": "Accepted"})
        second = await answered(socket, "ChangeConfiguration", {"status": "NotSupported"})
        told = (await asked).json()
        assert (first, second) == (
            {"key": "HeartbeatInterval", "value": "60"},
            {"key": "VendorKey", "value": "on"},
        )
        assert [(one["variable"], one["status"]) for one in told["results"]] == [
            ("HeartbeatInterval", "Accepted"),
            ("VendorKey", "UnknownVariable"),
        ]
        assert (len(told["records"]), told["complete"]) == (2, True)
        asked = post(cpo, "DV16/get-variables", {"variables": []})
        keys = [{"key": "HeartbeatInterval", "readonly": False, "value": "60"}, {"key": "X", "readonly": True}]
        assert await answered(socket, "GetConfiguration", {"configurationKey": keys}) == {}
        assert [(one["variable"], one["value"]) for one in (await asked).json()["results"]] == [
            ("HeartbeatInterval", "60"),
            ("X", None),
        ]
    (component,) = await got(cpo, "DV16/variables?component=ocppcommctrlr")
    assert component["variables"][0]["attributes"]["Actual"]["value"] == "60"


async def test_a_variable_that_16_has_no_key_for_is_refused_before_it_is_sent(cpo: Cpo) -> None:
    async with cpo.dial("DV16", "ocpp1.6"):
        wanted = [{"component": "EVSE", "variable": "Power", "value": "1"}]
        answer = await post(cpo, "DV16/set-variables", {"variables": wanted})
    assert (answer.status, answer.json()["field"]) == (422, "variable")


async def test_variables_of_2x_are_asked_in_messages_of_the_stations_size(cpo: Cpo) -> None:
    place = {
        "component": {"name": "DeviceDataCtrlr"},
        "variable": {"name": "ItemsPerMessage", "instance": "GetVariables"},
    }
    wanted = [{**HEARTBEAT, "evse_id": n} for n in range(1, 4)]
    async with cpo.dial("DV2X", "ocpp2.0.1") as socket:
        await booted(socket, "GetBaseReport", BOOT2X, {"status": "NotSupported"})
        entry = {**place, "variableAttribute": [{"value": "2", "mutability": "ReadOnly"}]}
        report = {"requestId": 1, "generatedAt": AT, "seqNo": 0, "reportData": [entry]}
        assert await said(socket, "NotifyReport", report) == {}
        asked = post(cpo, "DV2X/get-variables", {"variables": wanted})
        sizes = []
        for number in (2, 1):
            one = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
            result = {**one, "attributeStatus": "Accepted", "attributeValue": "5"}
            told = await answered(socket, "GetVariables", {"getVariableResult": [result] * number})
            sizes.append(len(told["getVariableData"]))
        assert sizes == [2, 1]
        assert len((await asked).json()["results"]) == 3
    (followed,) = [one for one in await got(cpo, "DV2X/reports") if one["request_id"] == 1]
    assert (followed["complete"], followed["parts"], followed["missing"]) == (True, 1, [])


async def test_a_station_that_falls_silent_on_the_way_leaves_half_an_answer(cpo: Cpo) -> None:
    wanted = [{**HEARTBEAT, "value": str(n)} for n in range(2)]
    async with cpo.dial("DV16", "ocpp1.6") as socket:
        asked = post(cpo, "DV16/set-variables?deadline_s=0.5", {"variables": wanted})
        await answered(socket, "ChangeConfiguration", {"status": "Accepted"})
        told = (await asked).json()
    assert (len(told["results"]), told["complete"]) == (1, False)
    answer = await post(cpo, "DV16/set-variables", {"variables": wanted})
    assert (answer.status, answer.json()["code"]) == (409, "station_offline")


async def test_a_customers_data_is_told_and_removed(cpo: Cpo) -> None:
    async with cpo.dial("Dv-Mixed", "ocpp2.0.1") as socket:
        await booted(socket, "GetBaseReport", BOOT2X, {"status": "NotSupported"})
        ask = {"requestId": 5, "report": True, "clear": False, "customerIdentifier": "Jane Q Doe"}
        asked = post(cpo, "Dv-Mixed/commands/CustomerInformation", ask)
        await answered(socket, "CustomerInformation", {"status": "Accepted"})
        assert (await asked).status == 200
        part = {"requestId": 5, "generatedAt": AT, "seqNo": 0, "data": "card 4711, twice"}
        assert await said(socket, "NotifyCustomerInformation", part) == {}
    (report,) = await got(cpo, "dv-mixed/customer-reports")
    assert (report["data"], report["complete"], report["asked_by"]) == ("card 4711, twice", True, "admin")
    for status in (204, 404):
        gone = await cpo.asked("DELETE", "/api/v1/stations/Dv-Mixed/customer-reports/5")
        assert gone.status == status
    assert await got(cpo, "Dv-Mixed/customer-reports") == []
    listed = json.dumps((await cpo.asked("GET", "/api/v1/commands?station_id=dv-mixed")).json())
    assert "CustomerInformation" in listed
    assert "Jane" not in listed


@pytest.mark.parametrize("path", ["connectors", "boots", "variables", "events", "logs", "customer-reports"])
async def test_a_station_nobody_knows_has_nothing(cpo: Cpo, path: str) -> None:
    assert (await cpo.asked("GET", f"/api/v1/stations/NOBODY/{path}")).status == 404
