"""Moving a station to a higher security profile (2.x A05; 1.6 security whitepaper A05).

The CSMS takes the higher profile at any time; what is sent here has the station come with it. The first connection at
the higher profile makes it the station's least (`app.doorman`).
"""

from dataclasses import dataclass

import msgspec

from wattseal.base.errors import InputError
from wattseal.base.ids import StationId
from wattseal.flow import commands
from wattseal.flow.commands import Done, Outcome, Unanswered, UnknownStationError
from wattseal.flow.turn import remember_station
from wattseal.flow.world import World
from wattseal.model.principal import Principal
from wattseal.wire.ocpp.version import Version

TIMEOUT_S = 30


@dataclass(frozen=True, slots=True)
class Upgrade:
    """Where a station is to go. 2.x writes a network profile into `slot` and puts it before `present_slot`."""

    profile: int
    url: str
    slot: int = 2
    present_slot: int = 1
    interface: str = "Wired0"


async def raise_profile(
    world: World, principal: Principal, station_id: StationId, upgrade: Upgrade
) -> tuple[Outcome, ...]:
    """Send what the station's version needs, step by step, up to the first that is not accepted.

    `InputError` where the profile is not higher than the station's: lowering is no matter of OCPP (A00.FR.005).
    """
    memory = await remember_station(world, station_id)
    if memory is None:
        raise UnknownStationError("there is no such station", subject=station_id)
    if not memory.station.security_profile < upgrade.profile <= 3:
        raise InputError(
            "a security profile can only be raised, to 3 at most; to lower it enrol the station anew",
            code="profile_not_higher",
            subject="profile",
        )
    station_id = StationId(memory.station.id)
    version = world.lines.version(station_id)
    if version is None:
        return (Unanswered("", "offline", None),)
    outcomes: list[Outcome] = []
    for action, payload in _steps(version, upgrade):
        outcomes.append(await commands.send_payload(world, principal, station_id, action, msgspec.json.encode(payload)))
        if not _accepted(outcomes[-1]):
            break
    return tuple(outcomes)


def _steps(version: Version, upgrade: Upgrade) -> tuple[tuple[str, dict[str, object]], ...]:
    if version is Version.V16:
        return (("ChangeConfiguration", {"key": "SecurityProfile", "value": str(upgrade.profile)}),)
    connection = {
        "ocppVersion": "OCPP20",
        "ocppTransport": "JSON",
        "ocppCsmsUrl": upgrade.url,
        "messageTimeout": TIMEOUT_S,
        "securityProfile": upgrade.profile,
        "ocppInterface": upgrade.interface,
    }
    priority = {
        "component": {"name": "OCPPCommCtrlr"},
        "variable": {"name": "NetworkConfigurationPriority"},
        "attributeValue": f"{upgrade.slot},{upgrade.present_slot}",
    }
    return (
        ("SetNetworkProfile", {"configurationSlot": upgrade.slot, "connectionData": connection}),
        ("SetVariables", {"setVariableData": [priority]}),
        ("Reset", {"type": "OnIdle"}),
    )


def _accepted(outcome: Outcome) -> bool:
    if not isinstance(outcome, Done):
        return False
    told = msgspec.json.decode(outcome.payload)
    results = told.get("setVariableResult") or [{"attributeStatus": told.get("status")}]
    return all(result["attributeStatus"] in {"Accepted", "RebootRequired", "Scheduled"} for result in results)
