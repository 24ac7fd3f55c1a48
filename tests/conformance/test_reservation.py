import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.conformance.charging import event, start16, token
from tests.conformance.wire import ANY, Station, Wire

TWO = ["2.0.1", "2.1"]
ALL = ["1.6", *TWO]
AT = "2026-01-01T08:00:00Z"


def until(hours: float = 1) -> str:
    """Return a time to come."""
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


async def reserve(station: Station, status: str = "Accepted", **more: Any) -> dict[str, Any]:
    """Have the CSMS reserve, answer with `status`, and return what the API says of it."""
    body = {"station_id": station.name, "id_token": "CARD", "expires_at": until(), **more}
    asking = asyncio.create_task(station.wire.api("POST", "/reservations", body))
    await (await station.next_call("ReserveNow")).answer({"status": status})
    told = await asking
    assert told.status_code == 201, told.text
    made: dict[str, Any] = told.json()
    assert made["status"] == status.lower()
    return made


async def shown(station: Station, made: dict[str, Any]) -> dict[str, Any]:
    """Return what the API shows of a reservation."""
    found: dict[str, Any] = (
        await station.wire.api("GET", f"/stations/{station.name}/reservations/{made['id']}")
    ).json()
    return found


async def connector(station: Station, status: str) -> None:
    """Tell the state of connector 1."""
    told = {"timestamp": AT, "connectorStatus": status, "evseId": 1, "connectorId": 1}
    if station.version == "1.6":
        told = {"timestamp": AT, "status": status, "connectorId": 1, "errorCode": "NoError"}
    await station.call("StatusNotification", told)
    station.answered("StatusNotification", {})


@pytest.mark.conformance("TC_H_01_CSMS", "TC_H_22_CSMS", "OCPP16_5.13")
@pytest.mark.parametrize("version", ALL)
async def test_an_evse_is_reserved_or_the_station_refuses(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    for status in ("Occupied", "Faulted", "Unavailable", "Rejected"):
        await reserve(station, status, evse_id=1)
    made = await reserve(station, evse_id=1)
    wanted: dict[str, Any] = {"id": made["id"], "evseId": 1, "idToken": token("CARD"), "expiryDateTime": ANY}
    if version == "1.6":
        wanted = {"reservationId": made["id"], "connectorId": 1, "idTag": "CARD", "expiryDate": ANY}
    station.asked("ReserveNow", wanted)
    await connector(station, "Reserved")
    assert (await shown(station, made))["active"]
    listed = await wire.api("GET", "/reservations", params={"station_id": station.name, "active": "true"})
    assert [r["id"] for r in listed.json()] == [made["id"]]


@pytest.mark.conformance("TC_H_08_CSMS", "TC_H_14_CSMS")
@pytest.mark.parametrize("version", TWO)
async def test_as_many_evses_are_reserved_as_there_are(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    made = [await reserve(station) for _ in range(2)]
    asked = station.asked("ReserveNow", {"id": made[1]["id"], "idToken": token("CARD")})
    assert not {"evseId", "connectorType"} & asked.keys()
    assert made[0]["id"] != made[1]["id"]
    await connector(station, "Reserved")


@pytest.mark.conformance("TC_H_15_CSMS")
@pytest.mark.parametrize("version", TWO)
async def test_a_type_of_connector_is_reserved(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    await reserve(station, connector_type="cType2")
    assert "evseId" not in station.asked("ReserveNow", {"connectorType": "cType2"})
    await connector(station, "Reserved")


@pytest.mark.conformance("TC_H_17_CSMS", "OCPP16_5.1")
@pytest.mark.parametrize("version", ALL)
async def test_a_reservation_is_cancelled(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    for answer, status in (("Accepted", "cancelled"), ("Rejected", "removed")):
        made = await reserve(station, evse_id=1)
        path = f"/stations/{station.name}/reservations/{made['id']}"
        asking = asyncio.create_task(wire.api("DELETE", path))
        await (await station.next_call("CancelReservation")).answer({"status": answer})
        station.asked("CancelReservation", {"reservationId": made["id"]})
        assert (await asking).json()["status"] == status
        assert (await wire.api("DELETE", path)).json()["code"] == "reservation_over"


@pytest.mark.conformance("TC_H_07_CSMS", "TC_H_20_CSMS")
@pytest.mark.parametrize("version", TWO)
@pytest.mark.parametrize(("state", "word"), [("Available", "Expired"), ("Faulted", "Removed")])
async def test_the_station_ends_a_reservation(wire: Wire, version: str, state: str, word: str) -> None:
    station = await wire.station(version)
    made = await reserve(station, evse_id=1)
    await connector(station, "Reserved")
    await connector(station, state)
    await station.call("ReservationStatusUpdate", {"reservationId": made["id"], "reservationUpdateStatus": word})
    station.answered("ReservationStatusUpdate", {})
    assert (await shown(station, made))["status"] == word.lower()


@pytest.mark.conformance("TC_H_19_CSMS")
@pytest.mark.parametrize("version", TWO)
async def test_a_token_of_the_reserved_group_uses_it(wire: Wire, version: str) -> None:
    for card in ("CAR-1", "CAR-2"):
        body = {"id_token": card, "type": "ISO14443", "status": "Accepted", "group": {"id_token": "FLEET"}}
        assert (await wire.api("POST", "/tokens", body)).is_success
    station = await wire.station(version)
    made = await reserve(station, evse_id=1, id_token="CAR-1")
    station.asked("ReserveNow", {"groupIdToken": token("FLEET", "Central"), "idToken": token("CAR-1"), "evseId": 1})
    told = event("Started", 0, "Authorized", card="CAR-2", reservationId=made["id"])
    await station.call("TransactionEvent", told)
    station.answered("TransactionEvent", {"idTokenInfo": {"groupIdToken": token("FLEET", "Central")}})
    assert (await shown(station, made))["status"] == "used"


@pytest.mark.conformance("OCPP16_3.11")
async def test_a_1_6_charge_uses_up_its_reservation(wire: Wire) -> None:
    station = await wire.station("1.6")
    made = await reserve(station, evse_id=1)
    await station.call("StartTransaction", start16() | {"reservationId": made["id"]})
    station.answered("StartTransaction", {"idTagInfo": {"status": "Accepted"}})
    found = await shown(station, made)
    assert (found["status"], found["active"]) == ("used", False)
    assert found["transaction"]
