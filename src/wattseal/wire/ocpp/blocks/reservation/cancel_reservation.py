"""CancelReservation (1.6 section 5.1; 2.x H02), from the CSMS: cancel a reservation."""

from wattseal.model.reservation import CancelRequested
from wattseal.wire.ocpp.commanding import order
from wattseal.wire.ocpp.generated.v16 import cancel_reservation as v16
from wattseal.wire.ocpp.generated.v21 import cancel_reservation as v21
from wattseal.wire.ocpp.generated.v201 import cancel_reservation as v201
from wattseal.wire.ocpp.message import Lifted, Payload
from wattseal.wire.ocpp.version import Version

Request = v16.Request | v201.Request | v21.Request


def lift(request: Request, _version: Version) -> Lifted:
    """Return `CancelRequested`."""
    return Lifted(CancelRequested(request.reservationId))


def ask(command: CancelRequested, _version: Version) -> Payload:
    """Return the request."""
    return {"reservationId": command.id}


MODULES = {Version.V16: v16, Version.V201: v201, Version.V21: v21}
MESSAGE = order("CancelReservation", MODULES, CancelRequested, lift=lift, ask=ask)
