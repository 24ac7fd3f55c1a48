"""StatusNotification (1.6 section 4.9; 2.x G01): the state of one connector.

1.6 tells more states than 2.x; they lift to the 2.x word with the 1.6 word kept as `detail`.
"""

from wattseal.model.answers import Acknowledged
from wattseal.model.facts import StatusReported
from wattseal.model.verdict import Finding
from wattseal.wire.ocpp.generated.v16 import status_notification as v16
from wattseal.wire.ocpp.generated.v21 import status_notification as v21
from wattseal.wire.ocpp.generated.v201 import status_notification as v201
from wattseal.wire.ocpp.message import (
    Lifted,
    Message,
    Payload,
    custom_data,
    evse_id,
    given,
    items_of,
    present,
    utc,
)
from wattseal.wire.ocpp.version import Refusal, Version

OCCUPIED = "Occupied"
OCCUPIED_16 = ("Preparing", "Charging", "SuspendedEVSE", "SuspendedEV", "Finishing")
Request = v16.Request | v201.Request | v21.Request
Response = v16.Response | v201.Response | v21.Response


def lift(request: Request, _version: Version) -> Lifted | Refusal:
    """Return `StatusReported`."""
    findings: list[Finding] = []
    if isinstance(request, v16.Request):
        evse = evse_id(request.connectorId, "connectorId")
        if isinstance(evse, Refusal):
            return evse
        return Lifted(
            StatusReported(
                evse,
                1 if evse else 0,
                OCCUPIED if request.status in OCCUPIED_16 else request.status,
                utc(at, findings) if (at := given(request.timestamp)) else None,
                request.status,
                request.errorCode,
                given(request.info),
                given(request.vendorId),
                given(request.vendorErrorCode),
            ),
            tuple(findings),
        )
    evse, connector = evse_id(request.evseId, "evseId"), evse_id(request.connectorId, "connectorId")
    if isinstance(evse, Refusal):
        return evse
    if isinstance(connector, Refusal):
        return connector
    return Lifted(
        StatusReported(evse, connector, request.connectorStatus, utc(request.timestamp, findings)), tuple(findings)
    )


def lower(answer: Acknowledged, version: Version) -> Payload:
    """Return the response; 1.6 cannot carry items."""
    return present(customData=None if version is Version.V16 else custom_data(answer.items))


def ask(fact: StatusReported, version: Version) -> Payload:
    """Return the request; a 2.x request needs a time."""
    if version is Version.V16:
        word = fact.detail or ("Preparing" if fact.status == OCCUPIED else fact.status)
        return present(
            connectorId=fact.evse_id,
            errorCode=fact.error_code or "NoError",
            info=fact.info,
            status=word,
            timestamp=fact.at,
            vendorId=fact.vendor_id,
            vendorErrorCode=fact.vendor_error_code,
        )
    return present(evseId=fact.evse_id, connectorId=fact.connector_id, connectorStatus=fact.status, timestamp=fact.at)


def hear(response: Response, _version: Version) -> Acknowledged:
    """Return the answer."""
    return Acknowledged(() if isinstance(response, v16.Response) else items_of(response.customData, []))


MESSAGE = Message(
    "StatusNotification",
    {Version.V16: v16.Request, Version.V201: v201.Request, Version.V21: v21.Request},
    {Version.V16: v16.Response, Version.V201: v201.Response, Version.V21: v21.Response},
    (StatusReported,),
    lift,
    lower,
    ask,
    hear,
)
