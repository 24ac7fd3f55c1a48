"""MeterValues (1.6 section 4.7; 2.x J01): readings outside transaction events."""

from wattseal.base.ids import TransactionId
from wattseal.model.answers import Acknowledged
from wattseal.model.facts import MeterReported
from wattseal.model.verdict import Finding
from wattseal.wire.ocpp import readings
from wattseal.wire.ocpp.generated.v16 import meter_values as v16
from wattseal.wire.ocpp.generated.v21 import meter_values as v21
from wattseal.wire.ocpp.generated.v201 import meter_values as v201
from wattseal.wire.ocpp.message import Lifted, Message, Payload, custom_data, evse_id, given, items_of, present
from wattseal.wire.ocpp.version import Refusal, Version

Request = v16.Request | v201.Request | v21.Request
Response = v16.Response | v201.Response | v21.Response


def lift(request: Request, _version: Version) -> Lifted | Refusal:
    """Return `MeterReported`; only 1.6 tells the transaction."""
    findings: list[Finding] = []
    if isinstance(request, v16.Request):
        evse = evse_id(request.connectorId, "connectorId")
        if isinstance(evse, Refusal):
            return evse
        told = given(request.transactionId)
        transaction = None if told is None else TransactionId(str(told))
        fact = MeterReported(evse, readings.lift_16(request.meterValue, findings), transaction)
    else:
        evse = evse_id(request.evseId, "evseId")
        if isinstance(evse, Refusal):
            return evse
        values = readings.lift_2(request.meterValue, findings)
        fact = MeterReported(evse, values, None, items_of(request.customData, findings))
    return Lifted(fact, tuple(findings))


def lower(answer: Acknowledged, version: Version) -> Payload:
    """Return the response; 1.6 cannot carry items."""
    return present(customData=custom_data(answer.items)) if answer.items and version is not Version.V16 else {}


def ask(fact: MeterReported, version: Version) -> Payload:
    """Return the request; 2.x tells no transaction here."""
    values = readings.lower(fact.readings, version)
    if version is Version.V16:
        transaction = int(fact.transaction_id) if fact.transaction_id is not None else None
        return present(connectorId=fact.evse_id, transactionId=transaction, meterValue=values)
    return present(evseId=fact.evse_id, meterValue=values, customData=custom_data(fact.items))


def hear(response: Response, _version: Version) -> Acknowledged:
    """Return the answer."""
    return Acknowledged(() if isinstance(response, v16.Response) else items_of(response.customData, []))


MESSAGE = Message(
    "MeterValues",
    {Version.V16: v16.Request, Version.V201: v201.Request, Version.V21: v21.Request},
    {Version.V16: v16.Response, Version.V201: v201.Response, Version.V21: v21.Response},
    (MeterReported,),
    lift,
    lower,
    ask,
    hear,
)
