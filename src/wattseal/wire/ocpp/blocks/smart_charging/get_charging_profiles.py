"""GetChargingProfiles (2.x K09), from the CSMS: ask for the installed profiles."""

from typing import Any

from wattseal.model.charging import Purpose
from wattseal.model.charging_orders import GetProfiles
from wattseal.model.verdict import Finding
from wattseal.wire.ocpp.charging import message
from wattseal.wire.ocpp.generated.v21 import get_charging_profiles as v21
from wattseal.wire.ocpp.generated.v201 import get_charging_profiles as v201
from wattseal.wire.ocpp.message import Payload, Sender, present
from wattseal.wire.ocpp.version import Version


def read(told: dict[str, Any], _version: Version, _findings: list[Finding]) -> GetProfiles:
    """Return the command."""
    which = told["chargingProfile"]
    purpose = which.get("chargingProfilePurpose")
    return GetProfiles(
        told["requestId"],
        told.get("evseId"),
        None if purpose is None else Purpose(purpose),
        which.get("stackLevel"),
        tuple(which.get("chargingProfileId", ())),
        tuple(which.get("chargingLimitSource", ())),
    )


def ask(command: GetProfiles, _version: Version) -> Payload:
    """Return the request."""
    which = present(
        chargingProfilePurpose=None if command.purpose is None else command.purpose.value,
        stackLevel=command.stack_level,
        chargingProfileId=list(command.profile_ids) or None,
        chargingLimitSource=list(command.sources) or None,
    )
    return present(requestId=command.request_id, evseId=command.evse_id) | {"chargingProfile": which}


MODULES = {Version.V201: v201, Version.V21: v21}
MESSAGE = message("GetChargingProfiles", MODULES, GetProfiles, read, ask, sender=Sender.CSMS)
