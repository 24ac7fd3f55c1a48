"""Logs and diagnostics, uploaded to the very place the CSMS asked for."""

import asyncio
import urllib.request
from typing import Any

import pytest
from tests.conformance.wire import CallError, Station, Wire

LOG = b"a log of a station\r\n" * 100


async def upload(url: str) -> None:
    def put() -> int:
        request = urllib.request.Request(url, LOG, method="PUT")  # noqa: S310 - the CSMS of this test
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - same
            return int(answer.status)

    assert await asyncio.to_thread(put) == 201


async def log_wanted(station: Station, kind: str) -> "asyncio.Task[Any]":
    path = f"/stations/{station.name}/get-log"
    return asyncio.create_task(station.wire.api("POST", path, {"log": kind}))


async def kept(station: Station) -> list[int]:
    """Return the sizes of the files the CSMS has of a station."""
    told = (await station.wire.api("GET", f"/stations/{station.name}/logs")).json()
    return [job["file"]["size_bytes"] for job in told if job["file"]]


@pytest.mark.conformance("OCPP16_8.2")
async def test_1_6_diagnostics_come_to_the_place_asked_for(wire: Wire) -> None:
    station = await wire.station("1.6")
    told = await log_wanted(station, "DiagnosticsLog")
    await (await station.next_call("GetLog")).refuse("NotImplemented")
    asked = await station.next_call("GetDiagnostics")
    station.asked("GetDiagnostics", {"location": asked.payload["location"]})
    await asked.answer({"fileName": "diagnostics.tar.gz"})
    assert (await told).status_code == 200
    await station.call("DiagnosticsStatusNotification", {"status": "Uploading"})
    await upload(asked.payload["location"])
    await station.call("DiagnosticsStatusNotification", {"status": "Uploaded"})
    station.answered("DiagnosticsStatusNotification", {})
    assert await kept(station) == [len(LOG)]


@pytest.mark.conformance("OCPP16S_N01.FR.02")
@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
@pytest.mark.parametrize("kind", ["SecurityLog", "DiagnosticsLog"])
async def test_a_log_comes_to_the_place_asked_for(wire: Wire, version: str, kind: str) -> None:
    station = await wire.station(version)
    told = await log_wanted(station, kind)
    asked = await station.next_call("GetLog")
    station.asked("GetLog", {"logType": kind})
    await asked.answer({"status": "Accepted", "filename": "log.gz"})
    number = (await told).json()["request_id"]
    assert number == asked.payload["requestId"]
    await upload(asked.payload["log"]["remoteLocation"])
    await station.call("LogStatusNotification", {"status": "Uploaded", "requestId": number})
    station.answered("LogStatusNotification", {})
    assert await kept(station) == [len(LOG)]


async def test_a_station_that_will_not_give_its_log_leaves_none(wire: Wire) -> None:
    station = await wire.station("2.0.1")
    told = await log_wanted(station, "SecurityLog")
    refusal = CallError("InternalError")
    await (await station.next_call("GetLog")).refuse(refusal.code)
    assert (await told).json()["ocpp_code"] == refusal.code
    assert await kept(station) == []
