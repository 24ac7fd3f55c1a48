"""Section 3.13 of 1.6: profiles of several levels and purposes, and what results of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.conformance.profiles import composite, profile16, send16
from tests.conformance.wire import Wire


def hours(n: float) -> str:
    """Return the time so many hours from now."""
    return (datetime.now(UTC) + timedelta(hours=n)).isoformat(timespec="seconds").replace("+00:00", "Z")


def valid(purpose: str, number: int, limit: float, begin: float = -1, **more: Any) -> dict[str, Any]:
    """Return a profile that is valid for ten hours from so many hours from now."""
    sent = profile16(purpose, number, limit, validFrom=hours(begin), validTo=hours(begin + 10), **more)
    sent["chargingSchedule"] |= {"startSchedule": hours(begin), "duration": 36_000}
    return sent


@pytest.mark.conformance("OCPP16_3.13.2")
async def test_the_highest_level_that_is_valid_counts_below_the_stations_maximum(wire: Wire) -> None:
    station = await wire.station("1.6")

    async def limit() -> Any:
        return (await composite(station, 1, unit="A", duration_s=600))["schedule"]["periods"][0].get("limit")

    await send16(station, 1, valid("TxDefaultProfile", 1, 16))
    assert await limit() == 16
    await send16(station, 1, valid("TxDefaultProfile", 2, 10, stackLevel=1))
    assert await limit() == 10
    await send16(station, 1, valid("TxDefaultProfile", 3, 20, 5, stackLevel=2))
    assert await limit() == 10, "a level that is not valid yet does not count"
    await send16(station, 0, valid("ChargePointMaxProfile", 4, 8))
    assert await limit() == 8
    for number in (4, 2):
        await station.commanded("ClearChargingProfile", {"id": number}, {"status": "Accepted"})
    assert await limit() == 16
