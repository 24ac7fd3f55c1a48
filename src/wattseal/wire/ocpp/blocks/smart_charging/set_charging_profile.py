"""SetChargingProfile (1.6 section 5.16; 2.x K01), from the CSMS: install a charging profile."""

from typing import Any

from wattseal.model.charging_orders import SetProfile
from wattseal.model.verdict import Finding
from wattseal.wire.ocpp import profiles
from wattseal.wire.ocpp.charging import message
from wattseal.wire.ocpp.generated.v16 import set_charging_profile as v16
from wattseal.wire.ocpp.generated.v21 import set_charging_profile as v21
from wattseal.wire.ocpp.generated.v201 import set_charging_profile as v201
from wattseal.wire.ocpp.message import Payload, Sender
from wattseal.wire.ocpp.version import Version


def read(told: dict[str, Any], version: Version, findings: list[Finding]) -> SetProfile:
    """Return the command; a connector of 1.6 is an EVSE."""
    if version is Version.V16:
        return SetProfile(told["connectorId"], profiles.lift_profile(told["csChargingProfiles"], version, findings))
    return SetProfile(told["evseId"], profiles.lift_profile(told["chargingProfile"], version, findings))


def ask(command: SetProfile, version: Version) -> Payload:
    """Return the request; a profile that 1.6 cannot spell is an `InputError`."""
    profile = profiles.lower_profile(command.profile, version)
    if version is Version.V16:
        return {"connectorId": command.evse_id, "csChargingProfiles": profile}
    return {"evseId": command.evse_id, "chargingProfile": profile}


MODULES = {Version.V16: v16, Version.V201: v201, Version.V21: v21}
MESSAGE = message("SetChargingProfile", MODULES, SetProfile, read, ask, sender=Sender.CSMS)
