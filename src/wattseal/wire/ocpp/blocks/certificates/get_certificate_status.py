"""GetCertificateStatus (2.x M06), from the station: the status of a certificate is asked."""

from wattseal.model.certificates import OcspAnswer, StatusAsked
from wattseal.wire.ocpp.certificate_ids import lift_id, lower_id
from wattseal.wire.ocpp.commanding import reasons, status_info
from wattseal.wire.ocpp.generated.v21 import get_certificate_status as v21
from wattseal.wire.ocpp.generated.v201 import get_certificate_status as v201
from wattseal.wire.ocpp.message import Lifted, Message, Payload, given, present
from wattseal.wire.ocpp.version import Version


def lift(request: v201.Request | v21.Request, _version: Version) -> Lifted:
    """Return `StatusAsked`."""
    told = request.ocspRequestData
    return Lifted(StatusAsked(lift_id(told), told.responderURL))


def lower(answer: OcspAnswer, version: Version) -> Payload:
    """Return the response."""
    info = status_info(answer.reason, answer.detail, version)
    return present(status=answer.status, ocspResult=answer.result, statusInfo=info)


def ask(fact: StatusAsked, _version: Version) -> Payload:
    """Return the request."""
    return {"ocspRequestData": lower_id(fact.certificate) | {"responderURL": fact.url}}


def hear(response: v201.Response | v21.Response, version: Version) -> OcspAnswer:
    """Return the answer."""
    return OcspAnswer(response.status, given(response.ocspResult), *reasons(response, version))


MESSAGE = Message(
    "GetCertificateStatus",
    {Version.V201: v201.Request, Version.V21: v21.Request},
    {Version.V201: v201.Response, Version.V21: v21.Response},
    (StatusAsked,),
    lift,
    lower,
    ask,
    hear,
)
