"""UnlockConnector (1.6 section 5.18; 2.x F05), from the CSMS: let a cable go."""

from wattseal.model.remote import UnlockRequested
from wattseal.wire.ocpp.commanding import connector_16, order
from wattseal.wire.ocpp.generated.v16 import unlock_connector as v16
from wattseal.wire.ocpp.generated.v21 import unlock_connector as v21
from wattseal.wire.ocpp.generated.v201 import unlock_connector as v201
from wattseal.wire.ocpp.message import Lifted, Payload, evse_id
from wattseal.wire.ocpp.version import Fault, Refusal, Version

Request = v16.Request | v201.Request | v21.Request


def lift(request: Request, _version: Version) -> Lifted | Refusal:
    """Return `UnlockRequested`; nothing is plugged into the station itself (1.6: connectorId > 0)."""
    name = "connectorId" if isinstance(request, v16.Request) else "evseId"
    told = evse_id(getattr(request, name), name)
    if isinstance(told, Refusal):
        return told
    if told == 0:
        return Refusal(Fault.VALUE, f"name the plug, numbered from 1 - at `$.{name}`")
    return Lifted(UnlockRequested(told, 1 if isinstance(request, v16.Request) else request.connectorId))


def ask(command: UnlockRequested, version: Version) -> Payload:
    """Return the request; in 1.6 an EVSE has one connector."""
    if version is Version.V16:
        return {"connectorId": connector_16(command.evse_id, command.connector_id)}
    return {"evseId": command.evse_id, "connectorId": command.connector_id}


MODULES = {Version.V16: v16, Version.V201: v201, Version.V21: v21}
MESSAGE = order("UnlockConnector", MODULES, UnlockRequested, lift=lift, ask=ask)
