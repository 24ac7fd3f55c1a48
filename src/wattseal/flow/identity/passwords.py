"""New passwords for stations, made here and told to nobody but the station (2.x A01; 1.6 security whitepaper A01)."""

import string
from dataclasses import dataclass

from wattseal.base.ids import StationId
from wattseal.flow import commands
from wattseal.flow.commands import Declined, Done, Outcome, Unanswered, find_station
from wattseal.flow.fleet.enrol import change_station
from wattseal.flow.identity.credentials import PASSWORD, dropped, settled
from wattseal.flow.turn import remember_station
from wattseal.flow.world import World
from wattseal.model.device import VariablesSet, VariablesWritten, VariableWrite
from wattseal.model.principal import Principal
from wattseal.wire.ocpp.version import Version

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
    memory = await find_station(world, station_id)
    station_id = StationId(memory.station.id)
    version = world.lines.version(station_id)
    if version is None:
        return Rotated(Unanswered("", "offline", None), "old")
    command = VariablesSet((VariableWrite(_new(world, version), *PASSWORD),))
    outcome = await commands.send(world, principal, station_id, command)
    if isinstance(outcome, Declined):
        await _forget_last(world, station_id)
    return Rotated(outcome, _good(outcome))


def _good(outcome: Outcome) -> str:
    if isinstance(outcome, Declined):
        return "old"
    if not isinstance(outcome, Done) or not isinstance(outcome.answer, VariablesWritten):
        return "both"
    status = outcome.answer.set_variable_result[0].attribute_status
    return {"Accepted": "new", "RebootRequired": "both"}.get(status, "old")


async def settle_password(world: World, station_id: StationId, digest: str) -> None:
    """Make a password that a station was told, and now came with, the only good one."""
    memory = await remember_station(world, station_id)
    if memory is not None and digest in memory.station.pending_password_digests:
        await change_station(world, memory, settled(memory.station, digest))


async def _forget_last(world: World, station_id: StationId) -> None:
    memory = await remember_station(world, station_id)
    if memory is not None and memory.station.pending_password_digests:
        await change_station(world, memory, dropped(memory.station, memory.station.pending_password_digests[-1]))


def _new(world: World, version: Version) -> str:
    """Return a new password as it is spelled in the command; 1.6 passwords are bytes, in hex on the way."""
    if version is Version.V16:
        return world.random.bytes(BYTES_16).hex().upper()
    return "".join(ALPHABET[byte % len(ALPHABET)] for byte in world.random.bytes(LENGTH))
