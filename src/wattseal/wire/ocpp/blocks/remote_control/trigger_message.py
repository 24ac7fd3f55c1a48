"""TriggerMessage (1.6 section 5.17; 2.x F06), from the CSMS: have a message sent now."""

from wattseal.base.ids import EvseId
from wattseal.model.remote import TriggerRequested
from wattseal.wire.ocpp.commanding import connector_16, lift_evse, lower_evse, order
from wattseal.wire.ocpp.generated.v16 import trigger_message as v16
from wattseal.wire.ocpp.generated.v21 import trigger_message as v21
from wattseal.wire.ocpp.generated.v201 import trigger_message as v201
from wattseal.wire.ocpp.message import Lifted, Payload, given, present
from wattseal.wire.ocpp.version import Version

Request = v16.Request | v201.Request | v21.Request


def lift(request: Request, _version: Version) -> Lifted:
    """Return `TriggerRequested`."""
    if isinstance(request, v16.Request):
        connector = given(request.connectorId)
        evse = None if connector is None else EvseId(connector)
        return Lifted(TriggerRequested(request.requestedMessage, evse))
    custom = given(request.customTrigger) if isinstance(request, v21.Request) else None
    return Lifted(TriggerRequested(request.requestedMessage, *lift_evse(request.evse), custom))


def ask(command: TriggerRequested, version: Version) -> Payload:
    """Return the request."""
    if version is Version.V16:
        connector = connector_16(command.evse_id, command.connector_id)
        return present(requestedMessage=command.message, connectorId=connector or None)
    evse = lower_evse(command.evse_id, command.connector_id)
    custom = command.custom if version is Version.V21 else None
    return present(requestedMessage=command.message, evse=evse, customTrigger=custom)


MODULES = {Version.V16: v16, Version.V201: v201, Version.V21: v21}
MESSAGE = order("TriggerMessage", MODULES, TriggerRequested, lift=lift, ask=ask)
