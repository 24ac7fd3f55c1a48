"""Heartbeat (1.6 section 4.6; 2.x G02): the station lives, and asks for the time."""

from wattseal.model.answers import HeartbeatAnswer
from wattseal.model.facts import HeartbeatReported
from wattseal.model.verdict import Finding
from wattseal.wire.ocpp.generated.v16 import heartbeat as v16
from wattseal.wire.ocpp.generated.v21 import heartbeat as v21
from wattseal.wire.ocpp.generated.v201 import heartbeat as v201
from wattseal.wire.ocpp.message import Lifted, Message, Payload, custom_data, items_of, present, utc
from wattseal.wire.ocpp.version import Version

Request = v16.Request | v201.Request | v21.Request
Response = v16.Response | v201.Response | v21.Response


def lift(request: Request, _version: Version) -> Lifted:
    """Return `HeartbeatReported`."""
    if isinstance(request, v16.Request):
        return Lifted(HeartbeatReported())
    findings: list[Finding] = []
    return Lifted(HeartbeatReported(items_of(request.customData, findings)), tuple(findings))


def lower(answer: HeartbeatAnswer, version: Version) -> Payload:
    """Return the response; 1.6 cannot carry items."""
    if not answer.items or version is Version.V16:
        return {"currentTime": answer.now}
    return present(currentTime=answer.now, customData=custom_data(answer.items))


def ask(fact: HeartbeatReported, version: Version) -> Payload:
    """Return the request; 1.6 carries no items."""
    return present(customData=None if version is Version.V16 else custom_data(fact.items))


def hear(response: Response, _version: Version) -> HeartbeatAnswer:
    """Return the answer."""
    items = () if isinstance(response, v16.Response) else items_of(response.customData, [])
    return HeartbeatAnswer(utc(response.currentTime, []), items)


MESSAGE = Message(
    "Heartbeat",
    {Version.V16: v16.Request, Version.V201: v201.Request, Version.V21: v21.Request},
    {Version.V16: v16.Response, Version.V201: v201.Response, Version.V21: v21.Response},
    (HeartbeatReported,),
    lift,
    lower,
    ask,
    hear,
)
