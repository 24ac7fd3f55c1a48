"""ClearChargingProfile (1.6 section 5.5; 2.x K10), from the CSMS: remove charging profiles."""

from typing import Any

from wattseal.model.charging import Purpose
from wattseal.model.charging_orders import ClearProfiles
from wattseal.model.verdict import Finding
from wattseal.wire.ocpp.charging import message
from wattseal.wire.ocpp.generated.v16 import clear_charging_profile as v16
from wattseal.wire.ocpp.generated.v21 import clear_charging_profile as v21
from wattseal.wire.ocpp.generated.v201 import clear_charging_profile as v201
from wattseal.wire.ocpp.message import Payload, Sender, present
from wattseal.wire.ocpp.profiles import purpose_16, purpose_of_16
from wattseal.wire.ocpp.version import Version


def read(told: dict[str, Any], version: Version, _findings: list[Finding]) -> ClearProfiles:
    """Return the command."""
    if version is Version.V16:
        purpose = told.get("chargingProfilePurpose")
        return ClearProfiles(
            told.get("id"),
            told.get("connectorId"),
            None if purpose is None else purpose_of_16(purpose),
            told.get("stackLevel"),
        )
    which = told.get("chargingProfileCriteria", {})
    purpose = which.get("chargingProfilePurpose")
    return ClearProfiles(
        told.get("chargingProfileId"),
        which.get("evseId"),
        None if purpose is None else Purpose(purpose),
        which.get("stackLevel"),
    )


def ask(command: ClearProfiles, version: Version) -> Payload:
    """Return the request."""
    purpose = command.purpose
    if version is Version.V16:
        return present(
            id=command.profile_id,
            connectorId=command.evse_id,
            chargingProfilePurpose=None if purpose is None else purpose_16(purpose),
            stackLevel=command.stack_level,
        )
    which = present(
        evseId=command.evse_id,
        chargingProfilePurpose=None if purpose is None else purpose.value,
        stackLevel=command.stack_level,
    )
    return present(chargingProfileId=command.profile_id, chargingProfileCriteria=which or None)


MODULES = {Version.V16: v16, Version.V201: v201, Version.V21: v21}
MESSAGE = message("ClearChargingProfile", MODULES, ClearProfiles, read, ask, sender=Sender.CSMS)
