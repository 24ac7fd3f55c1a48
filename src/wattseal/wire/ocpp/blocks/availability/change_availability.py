"""ChangeAvailability (1.6 section 5.2; 2.x G03, G04), from the CSMS: in or out of service."""

from wattseal.base.ids import EvseId
from wattseal.model.remote import AvailabilityRequested
from wattseal.wire.ocpp.commanding import connector_16, lift_evse, lower_evse, order
from wattseal.wire.ocpp.generated.v16 import change_availability as v16
from wattseal.wire.ocpp.generated.v21 import change_availability as v21
from wattseal.wire.ocpp.generated.v201 import change_availability as v201
from wattseal.wire.ocpp.message import Lifted, Payload, evse_id, present
from wattseal.wire.ocpp.version import Refusal, Version

Request = v16.Request | v201.Request | v21.Request
_WORDS = {True: "Operative", False: "Inoperative"}


def lift(request: Request, _version: Version) -> Lifted | Refusal:
    """Return `AvailabilityRequested`."""
    if isinstance(request, v16.Request):
        told = evse_id(request.connectorId, "connectorId")
        if isinstance(told, Refusal):
            return told
        return Lifted(AvailabilityRequested(request.type == _WORDS[True], told))
    evse, connector = lift_evse(request.evse)
    return Lifted(AvailabilityRequested(request.operationalStatus == _WORDS[True], evse or EvseId(0), connector))


def ask(command: AvailabilityRequested, version: Version) -> Payload:
    """Return the request; the whole station is connector 0 in 1.6 and no EVSE in 2.x."""
    word = _WORDS[command.operational]
    if version is Version.V16:
        return {"connectorId": connector_16(command.evse_id, command.connector_id), "type": word}
    return present(operationalStatus=word, evse=lower_evse(command.evse_id, command.connector_id))


MODULES = {Version.V16: v16, Version.V201: v201, Version.V21: v21}
MESSAGE = order("ChangeAvailability", MODULES, AvailabilityRequested, lift=lift, ask=ask)
