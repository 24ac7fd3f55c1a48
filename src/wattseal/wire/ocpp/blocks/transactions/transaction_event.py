"""TransactionEvent (2.0.1 and 2.1, E01 to E15): the station tells start, progress and end of its transaction."""

from wattseal.base.ids import EvseId, TransactionId
from wattseal.model.answers import TransactionAnswer
from wattseal.model.facts import TransactionEnded, TransactionStarted, TransactionUpdated
from wattseal.model.verdict import Finding
from wattseal.wire.ocpp import readings, tokens
from wattseal.wire.ocpp.evidence import receipt_readings
from wattseal.wire.ocpp.generated.v21 import transaction_event as v21
from wattseal.wire.ocpp.generated.v201 import transaction_event as v201
from wattseal.wire.ocpp.message import (
    Lifted,
    Message,
    Payload,
    custom_data,
    evse_id,
    given,
    items_of,
    present,
    receipts_of,
    utc,
)
from wattseal.wire.ocpp.version import Refusal, Version

Request = v201.Request | v21.Request
Response = v201.Response | v21.Response
Fact = TransactionStarted | TransactionUpdated | TransactionEnded

_TRIGGERS = {
    TransactionStarted: "CablePluggedIn",
    TransactionUpdated: "MeterValuePeriodic",
    TransactionEnded: "EVDeparted",
}
_TYPES = {TransactionStarted: "Started", TransactionUpdated: "Updated", TransactionEnded: "Ended"}


def lift(request: Request, _version: Version) -> Lifted | Refusal:
    """Return the fact of the event's type; the register of a start or end is the one read in that context."""
    findings: list[Finding] = []
    evse = EvseId(0)
    if request.evse:
        told = evse_id(request.evse.id, "evse.id")
        if isinstance(told, Refusal):
            return told
        evse = told
    elif request.eventType == "Started":
        findings.append(Finding("evse_missing", "evse"))
    return Lifted(_fact(request, evse, findings), tuple(findings))


def _fact(request: Request, evse: EvseId, findings: list[Finding]) -> Fact:
    info = request.transactionInfo
    transaction = TransactionId(info.transactionId)
    at = utc(request.timestamp, findings)
    values = readings.lift_2(given(request.meterValue) or (), findings)
    values += receipt_readings(receipts_of(request.customData, findings), at)
    token = tokens.lift_2(request.idToken)
    offline = given(request.offline) or False
    items = items_of(request.customData, findings)
    where = evse if request.evse else None
    match request.eventType:
        case "Started":
            return TransactionStarted(
                evse,
                at,
                transaction,
                given(request.evse.connectorId) if request.evse else None,
                token,
                readings.register(values, readings.BEGIN),
                values,
                request.seqNo,
                offline,
                request.triggerReason,
                given(info.remoteStartId),
                items,
                given(request.reservationId),
                given(info.chargingState),
            )
        case "Updated":
            return TransactionUpdated(
                transaction,
                at,
                request.seqNo,
                where,
                token,
                values,
                offline,
                request.triggerReason,
                items,
                given(request.reservationId),
                given(info.remoteStartId),
                given(request.evse.connectorId) if request.evse else None,
                given(info.chargingState),
                given(info.timeSpentCharging),
            )
        case "Ended":
            return TransactionEnded(
                transaction,
                at,
                readings.register(values, readings.END),
                given(info.stoppedReason) or "Local",
                where,
                token,
                values,
                request.seqNo,
                offline,
                request.triggerReason,
                items,
                given(info.chargingState),
                given(info.timeSpentCharging),
            )


def lower(answer: TransactionAnswer, version: Version) -> Payload:
    """Return the response; the transaction id is the station's own, so it is not repeated."""
    info = tokens.lower_authorization(answer.authorization, version) if answer.authorization else None
    return present(totalCost=answer.total_cost, idTokenInfo=info, customData=custom_data(answer.items))


def ask(fact: Fact, version: Version) -> Payload:
    """Return the request. A trigger and a sequence number that the fact lacks become the usual trigger and 0."""
    info = present(transactionId=fact.transaction_id, chargingState=fact.charging_state)
    evse = present(id=fact.evse_id) if fact.evse_id is not None else None
    if isinstance(fact, TransactionEnded):
        info |= present(stoppedReason=fact.reason)
    else:
        info |= present(remoteStartId=fact.remote_start_id)
        if evse is not None and fact.connector_id is not None:
            evse["connectorId"] = fact.connector_id
    if not isinstance(fact, TransactionStarted):
        info |= present(timeSpentCharging=fact.charging_s)
    return present(
        eventType=_TYPES[type(fact)],
        timestamp=fact.at,
        triggerReason=fact.trigger or _TRIGGERS[type(fact)],
        seqNo=fact.seq_no or 0,
        transactionInfo=info,
        offline=True if fact.offline else None,
        reservationId=None if isinstance(fact, TransactionEnded) else fact.reservation_id,
        evse=evse,
        idToken=tokens.lower(fact.id_token, version) if fact.id_token else None,
        meterValue=readings.lower(fact.readings, version),
        customData=custom_data(fact.items),
    )


def hear(response: Response, _version: Version) -> TransactionAnswer:
    """Return the answer."""
    told = tokens.hear_2(response.idTokenInfo)
    return TransactionAnswer(None, told, items_of(response.customData, []), given(response.totalCost))


MESSAGE = Message(
    "TransactionEvent",
    {Version.V201: v201.Request, Version.V21: v21.Request},
    {Version.V201: v201.Response, Version.V21: v21.Response},
    (TransactionStarted, TransactionUpdated, TransactionEnded),
    lift,
    lower,
    ask,
    hear,
)
