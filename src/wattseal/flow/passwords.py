"""New passwords for stations, made here and told to nobody but the station (2.x A01; 1.6 security whitepaper A01).

What a station was told may be in use from then on, so its digest is kept before it is sent. When the station accepts,
the old password is dead at once (A01.FR.03); when it refuses, the new one is (A01.FR.04). Where nobody knows, or the
station wants to restart first, both are good until it comes with the new one.
"""

import string
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from wattseal.base.ids import StationId
from wattseal.crypto.passwords import digest_password
from wattseal.flow import commands
from wattseal.flow.commands import Done, Outcome, Unanswered, UnknownStationError
from wattseal.flow.enrol import change_station
from wattseal.flow.turn import remember_station
from wattseal.flow.world import World
from wattseal.model.principal import Principal
from wattseal.wire.ocpp.version import Version

MAX_PENDING = 4
"""Passwords a station was told and has neither accepted nor refused; the oldest is forgotten."""
LENGTH, BYTES_16 = 32, 20
"""Characters of a 2.x password (16 to 40 are allowed, A00.FR.205); bytes of a 1.6 one (16 to 20)."""
ALPHABET = string.ascii_letters + string.digits + "+-"
"""64 characters of passwordString, so that six random bits choose one."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """What came of a new password: the command's outcome, and whether the "old", the "new" or "both" are good now."""

    outcome: Outcome
    good: str


async def rotate_password(world: World, principal: Principal, station_id: StationId) -> Rotated:
    """Give a station a new random password; `InputError` where there is no such station."""
    memory = await remember_station(world, station_id)
    if memory is None:
        raise UnknownStationError("there is no such station", subject=station_id)
    station_id = StationId(memory.station.id)
    version = world.lines.version(station_id)
    if version is None:
        return Rotated(Unanswered("", "offline", None), "old")
    password, action, payload = _new(world, version)
    digest = digest_password(password, world.random.bytes(16))
    pending = (*memory.station.pending_password_digests, digest)[-MAX_PENDING:]
    await change_station(world, memory, replace(memory.station, pending_password_digests=pending))
    outcome = await commands.send_payload(world, principal, station_id, action, msgspec.json.encode(payload))
    status = _status(outcome.payload) if isinstance(outcome, Done) else ""
    if status == "Accepted":
        await settle_password(world, station_id, digest)
        return Rotated(outcome, "new")
    if isinstance(outcome, Unanswered) or status == "RebootRequired":
        return Rotated(outcome, "both")
    await _drop(world, station_id, digest)
    return Rotated(outcome, "old")


async def settle_password(world: World, station_id: StationId, digest: str) -> None:
    """Make a password that a station was told the only good one."""
    memory = await remember_station(world, station_id)
    if memory is not None and digest in memory.station.pending_password_digests:
        changed = replace(memory.station, password_digest=digest, pending_password_digests=())
        await change_station(world, memory, changed)


async def _drop(world: World, station_id: StationId, digest: str) -> None:
    memory = await remember_station(world, station_id)
    if memory is not None:
        left = tuple(d for d in memory.station.pending_password_digests if d != digest)
        await change_station(world, memory, replace(memory.station, pending_password_digests=left))


def _new(world: World, version: Version) -> tuple[bytes, str, dict[str, Any]]:
    """Return a new password, and the action and payload that tell it; 1.6 passwords are bytes, in hex on the way."""
    if version is Version.V16:
        password = world.random.bytes(BYTES_16)
        return password, "ChangeConfiguration", {"key": "AuthorizationKey", "value": password.hex().upper()}
    text = "".join(ALPHABET[byte % len(ALPHABET)] for byte in world.random.bytes(LENGTH))
    variable = {
        "component": {"name": "SecurityCtrlr"},
        "variable": {"name": "BasicAuthPassword"},
        "attributeValue": text,
    }
    return text.encode(), "SetVariables", {"setVariableData": [variable]}


def _status(payload: bytes) -> str:
    """Return the status in an answer that fits its schema."""
    told = msgspec.json.decode(payload)
    return str(told["setVariableResult"][0]["attributeStatus"] if "setVariableResult" in told else told["status"])
