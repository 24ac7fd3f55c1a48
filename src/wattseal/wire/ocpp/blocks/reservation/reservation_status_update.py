"""ReservationStatusUpdate (2.x H04), from the station: a reservation expired or was removed."""

from wattseal.model.answers import Acknowledged
from wattseal.model.reservation import ReservationEnded
from wattseal.wire.ocpp.generated.v21 import reservation_status_update as v21
from wattseal.wire.ocpp.generated.v201 import reservation_status_update as v201
from wattseal.wire.ocpp.message import Lifted, Message, Payload, custom_data, items_of, present
from wattseal.wire.ocpp.version import Version

Request = v201.Request | v21.Request
Response = v201.Response | v21.Response


def lift(request: Request, _version: Version) -> Lifted:
    """Return `ReservationEnded`."""
    return Lifted(ReservationEnded(request.reservationId, request.reservationUpdateStatus))


def lower(answer: Acknowledged, _version: Version) -> Payload:
    """Return the response."""
    return present(customData=custom_data(answer.items))


def ask(fact: ReservationEnded, _version: Version) -> Payload:
    """Return the request."""
    return {"reservationId": fact.id, "reservationUpdateStatus": fact.status}


def hear(response: Response, _version: Version) -> Acknowledged:
    """Return the answer."""
    return Acknowledged(items_of(response.customData, []))


MESSAGE = Message(
    "ReservationStatusUpdate",
    {Version.V201: v201.Request, Version.V21: v21.Request},
    {Version.V201: v201.Response, Version.V21: v21.Response},
    (ReservationEnded,),
    lift,
    lower,
    ask,
    hear,
)
