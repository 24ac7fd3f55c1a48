"""A full disk: nothing is acknowledged that is not durable, stations are sent away, all goes on once there is room."""

import asyncio
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.cpo_process import Caller, Cpo, Nursery
from websockets.exceptions import ConnectionClosed, InvalidStatus


@pytest.fixture
def cpo(tmp_path: Path) -> Iterator[Cpo]:
    nursery = Nursery()
    made = nursery.start(tmp_path / "cpo", settings={"log": {"checkpoint_interval_s": 3600}})
    made.enrol("ST1")
    made.add_token()
    yield made
    nursery.close()


def limit(cpo: Cpo, size: int) -> None:
    resource.prlimit(cpo.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def largest_file(cpo: Cpo) -> int:
    return max(path.stat().st_size for path in cpo.data.glob("journal*"))


def reading(number: int, minute: int) -> dict[str, Any]:
    sample = {
        "timestamp": f"2026-01-01T{minute // 60:02}:{minute % 60:02}:00Z",
        "sampledValue": [{"value": str(minute)}],
    }
    return {"connectorId": 1, "transactionId": number, "meterValue": [sample]}


async def charge_until_full(cpo: Cpo, number: int) -> list[int]:
    """Send readings until the CSMS gives up with 1013; return those it acknowledged."""
    acknowledged: list[int] = []
    async with cpo.dial("ST1") as socket:
        with pytest.raises(ConnectionClosed) as caught:
            await send_readings(Caller(socket), number, acknowledged)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1013
    return acknowledged


async def send_readings(station: Caller, number: int, acknowledged: list[int]) -> None:
    for minute in range(1, 1200):
        await station.call("MeterValues", reading(number, minute))
        acknowledged.append(minute)


async def test_a_full_disk_loses_nothing_acknowledged(cpo: Cpo) -> None:
    async with cpo.dial("ST1") as socket:
        start = {"connectorId": 1, "idTag": "CARD", "meterStart": 0, "timestamp": "2026-01-01T00:00:00Z"}
        number = (await Caller(socket).call("StartTransaction", start))["transactionId"]
    limit(cpo, largest_file(cpo) + 150_000)
    acknowledged = await charge_until_full(cpo, number)
    assert acknowledged
    assert (await cpo.asked("GET", "/readyz")).status == 503
    token = {"id_token": "NEW", "type": "ISO14443", "status": "Accepted"}
    assert (await cpo.asked("POST", "/api/v1/tokens", token)).status == 503
    with pytest.raises(InvalidStatus) as caught:
        await cpo.dial("ST1")
    assert caught.value.response.status_code == 503
    limit(cpo, resource.RLIM_INFINITY)
    while (await cpo.asked("GET", "/readyz")).status == 503:  # noqa: ASYNC110 - another process
        await asyncio.sleep(0.1)
    async with cpo.dial("ST1") as socket:
        station = Caller(socket)
        await station.call("MeterValues", reading(number, acknowledged[-1] + 1))
        stop = {"transactionId": number, "meterStop": 2000, "timestamp": "2026-01-02T00:00:00Z"}
        await station.call("StopTransaction", stop)
    shown = (await cpo.asked("GET", f"/api/v1/transactions/{number}?station_id=ST1")).json()
    assert (shown["energy_wh"], shown["billing"]) == ("2000", "billed")
