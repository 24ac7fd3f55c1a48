"""ExtendedTriggerMessage (1.6 security whitepaper, section 4.1), from the CSMS: have a message sent now."""

from wattseal.base.ids import EvseId
from wattseal.model.remote import ExtendedTriggerRequested
from wattseal.wire.ocpp.commanding import order
from wattseal.wire.ocpp.generated.v16 import extended_trigger_message as v16
from wattseal.wire.ocpp.message import Lifted, Payload, given, present
from wattseal.wire.ocpp.version import Version

_LIFTED = {"SignChargePointCertificate": "SignChargingStationCertificate"}
_SPELLED = {word: told for told, word in _LIFTED.items()}


def lift(request: v16.Request, _version: Version) -> Lifted:
    """Return `ExtendedTriggerRequested`, the message in 2.x words."""
    connector = given(request.connectorId)
    told = request.requestedMessage
    evse = None if connector is None else EvseId(connector)
    return Lifted(ExtendedTriggerRequested(_LIFTED.get(told, told), evse))


def ask(command: ExtendedTriggerRequested, _version: Version) -> Payload:
    """Return the request."""
    message = _SPELLED.get(command.message, command.message)
    return present(requestedMessage=message, connectorId=command.evse_id or None)


MESSAGE = order("ExtendedTriggerMessage", {Version.V16: v16}, ExtendedTriggerRequested, lift=lift, ask=ask)
