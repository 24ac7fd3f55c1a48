"""UpdateDynamicSchedule (2.1 K28), from the CSMS: push new values of a dynamic schedule."""

from typing import Any

from wattseal.model.charging_orders import UpdateDynamic
from wattseal.model.verdict import Finding
from wattseal.wire.ocpp.charging import message
from wattseal.wire.ocpp.generated.v21 import update_dynamic_schedule as v21
from wattseal.wire.ocpp.message import Payload, Sender
from wattseal.wire.ocpp.version import Version


def read(told: dict[str, Any], _version: Version, _findings: list[Finding]) -> UpdateDynamic:
    """Return the command."""
    return UpdateDynamic(told["chargingProfileId"], told["scheduleUpdate"])


def ask(command: UpdateDynamic, _version: Version) -> Payload:
    """Return the request."""
    return {"chargingProfileId": command.profile_id, "scheduleUpdate": dict(command.values)}


MESSAGE = message("UpdateDynamicSchedule", {Version.V21: v21}, UpdateDynamic, read, ask, sender=Sender.CSMS)
