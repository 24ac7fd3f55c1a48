"""What a command changes about how a station shows who it is: its password and its security profile.

A password that a station is told may be in use from then on, so its digest is kept before it is sent. When the station
accepts, the old password is dead at once (A01.FR.03); when it refuses, the new one is (A01.FR.04). Where nobody knows,
or the station wants to restart first, both are good until it comes with the new one.
"""

from dataclasses import replace

from wattseal.base.errors import InputError
from wattseal.crypto.passwords import digest_password, password_matches
from wattseal.flow.documents import put_station
from wattseal.flow.fleet.enrol import change_station
from wattseal.flow.memory import Memory
from wattseal.flow.orders import Answered, Asking, Checks
from wattseal.model.device import Component, Variable, VariablesSet, VariablesWritten, VariableWrite
from wattseal.model.message import Asked
from wattseal.model.station import Station
from wattseal.wire.ocpp.version import Version

SECURITY = "SecurityCtrlr"
PASSWORD = (Component(SECURITY), Variable("BasicAuthPassword"))
"""The variable with a station's password; in 1.6 the key AuthorizationKey."""
MAX_PENDING = 4
"""Passwords a station was told and has neither accepted nor refused; the oldest is forgotten."""


async def _before(asking: Asking, command: VariablesSet) -> None:
    """Keep the digest of a password about to be sent, and refuse to lower a profile (A00.FR.005)."""
    for write in command.set_variable_data:
        if _is(write, "SecurityProfile") and write.attribute_value.isdecimal():
            _demand_not_lower(asking.memory.station, int(write.attribute_value))
        if _is(write, "BasicAuthPassword"):
            digest = digest_password(_password(write, asking.version), asking.world.random.bytes(16))
            station = asking.memory.station
            pending = (*station.pending_password_digests, digest)[-MAX_PENDING:]
            await change_station(asking.world, asking.memory, replace(station, pending_password_digests=pending))


async def _network_profile(asking: Asking, command: Asked) -> None:
    told = command.content.get("connectionData")
    profile = told.get("securityProfile") if isinstance(told, dict) else None
    if isinstance(profile, int):
        _demand_not_lower(asking.memory.station, profile)


def _demand_not_lower(station: Station, profile: int) -> None:
    if profile < station.security_profile:
        raise InputError(
            f"the station's security profile is {station.security_profile}, and OCPP must not lower it; enrol the "
            "station anew with a lower one first",
            code="profile_lowered",
            subject="securityProfile",
        )


async def after(answered: Answered, command: VariablesSet, answer: VariablesWritten) -> None:
    """Make the password that a station accepted the only good one, and forget one that it refused."""
    for write, result in zip(command.set_variable_data, answer.set_variable_result, strict=False):
        if _is(write, "BasicAuthPassword"):
            changed = _judged(answered.memory, _password(write, answered.version), result.attribute_status)
            answered.memory.station = changed
            answered.step.puts.append(put_station(changed, answered.step.now_ms))


def _judged(memory: Memory, password: bytes, status: str) -> Station:
    station = memory.station
    told = next((d for d in reversed(station.pending_password_digests) if password_matches(password, d)), None)
    if told is None or status == "RebootRequired":
        return station
    return settled(station, told) if status == "Accepted" else dropped(station, told)


def settled(station: Station, digest: str) -> Station:
    """Return the enrolment with a password that a station was told as the only good one."""
    return replace(station, password_digest=digest, pending_password_digests=())


def dropped(station: Station, digest: str) -> Station:
    """Return the enrolment without a password that a station was told and refused."""
    left = tuple(d for d in station.pending_password_digests if d != digest)
    return replace(station, pending_password_digests=left)


def _is(write: VariableWrite, variable: str) -> bool:
    names = write.component.name.casefold(), write.variable.name.casefold()
    return names == (SECURITY.casefold(), variable.casefold())


def _password(write: VariableWrite, version: Version) -> bytes:
    """Return the password in a write: bytes in hex in 1.6 (security whitepaper, A00.FR.205), text in 2.x."""
    if version is Version.V16:
        try:
            return bytes.fromhex(write.attribute_value)
        except ValueError:
            return write.attribute_value.encode()
    return write.attribute_value.encode()


CHECKS: Checks = {VariablesSet: _before, "SetNetworkProfile": _network_profile}
