import pytest
from tests.conformance.wire import ANY, Wire


@pytest.mark.conformance("TC_B_01_CSMS")
@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_a_cold_boot_is_accepted_with_an_interval_and_the_time(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    told = station.answered("BootNotification", {"status": "Accepted", "currentTime": ANY})
    assert told["interval"] > 0
    await station.call("StatusNotification", status2x(1, "Available"))
    station.answered("StatusNotification", {})
    await station.call("Heartbeat", {})
    station.answered("Heartbeat", {"currentTime": ANY})


def status2x(evse: int, status: str) -> dict[str, object]:
    return {"timestamp": "2026-01-01T00:00:00Z", "connectorStatus": status, "evseId": evse, "connectorId": 1}


@pytest.mark.conformance("OCPP16_4.2", "OCPP16_4.6")
async def test_a_1_6_boot_is_accepted_and_a_heartbeat_brings_the_time(wire: Wire) -> None:
    station = await wire.station("1.6")
    assert station.answered("BootNotification", {"status": "Accepted", "currentTime": ANY})["interval"] > 0
    await station.call("Heartbeat", {})
    station.answered("Heartbeat", {"currentTime": ANY})


@pytest.mark.conformance("TC_A_02_CSMS", "OCPP16S_A00.FR.204")
@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_a_station_is_refused_under_another_name(wire: Wire, version: str) -> None:
    name = wire.enrol(wire.name())
    await wire.refused(name, 401, version=version, user=wire.enrol(wire.name()))
