"""Charging profiles as tests send them, and what the API shows of them."""

from typing import Any

from tests.conformance.sessions import Charge2x, at, seed
from tests.conformance.wire import Station, Wire

ACCEPTED = {"status": "Accepted"}
VALID: dict[str, Any] = {"validFrom": at(-60), "validTo": at(600)}


def schedule(limit: float = 6, unit: str = "A", **more: Any) -> dict[str, Any]:
    period = {"startPeriod": 0, "limit": limit, "numberPhases": 3}
    return {
        "id": 1,
        "startSchedule": at(),
        "duration": 3600,
        "chargingRateUnit": unit,
        "chargingSchedulePeriod": [period],
    } | more


def profile(
    purpose: str = "TxDefaultProfile", number: int = 1, level: int = 0, limit: float = 6, **more: Any
) -> dict[str, Any]:
    return {
        "id": number,
        "stackLevel": level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        "chargingSchedule": [schedule(limit)],
    } | more


async def send(station: Station, evse_id: int, sent: dict[str, Any], answer: Any = None) -> None:
    await station.commanded("SetChargingProfile", {"evseId": evse_id, "chargingProfile": sent}, answer or ACCEPTED)


async def installed(station: Station, **query: Any) -> list[tuple[int, int]]:
    told = await station.wire.api("GET", f"/stations/{station.name}/charging-profiles", params=query)
    assert told.status_code == 200, told.text
    return [(kept["evse_id"], kept["profile"]["id"]) for kept in told.json()]


async def composite(station: Station, evse_id: int, **query: Any) -> dict[str, Any]:
    path = f"/stations/{station.name}/composite-schedule"
    told = await station.wire.api("GET", path, params={"evse_id": evse_id, **query})
    assert told.status_code == 200, told.text
    found: dict[str, Any] = told.json()
    return found


async def plugged(wire: Wire, version: str) -> Charge2x:
    """Return a charge of an EV that speaks ISO 15118, before energy flows."""
    charge = Charge2x(await wire.station(version), token=await seed(wire))
    await charge.authorized()
    await charge.plugged()
    return charge


def profile16(purpose: str = "TxDefaultProfile", number: int = 1, limit: float = 6, **more: Any) -> dict[str, Any]:
    told = {k: v for k, v in schedule(limit).items() if k != "id"}
    return {
        "chargingProfileId": number,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        "chargingSchedule": told,
    } | more


async def send16(station: Station, connector: int, sent: dict[str, Any], answer: Any = None) -> None:
    payload = {"connectorId": connector, "csChargingProfiles": sent}
    await station.commanded("SetChargingProfile", payload, answer or ACCEPTED)
