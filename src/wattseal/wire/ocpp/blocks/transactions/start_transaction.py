"""StartTransaction (1.6 section 4.8). The CSMS assigns the transaction id in its answer."""

from decimal import Decimal

from wattseal.base.errors import InputError
from wattseal.base.ids import TransactionId
from wattseal.model.answers import TransactionAnswer
from wattseal.model.facts import TransactionStarted
from wattseal.model.token import Authorization, TokenStatus
from wattseal.model.verdict import Finding
from wattseal.wire.ocpp import tokens
from wattseal.wire.ocpp.generated.v16 import start_transaction as v16
from wattseal.wire.ocpp.message import Lifted, Message, Payload, evse_id, given, present, utc, whole_wh
from wattseal.wire.ocpp.version import Refusal, Version


def lift(request: v16.Request, _version: Version) -> Lifted | Refusal:
    """Return `TransactionStarted`; a negative meterStart is a fact, to be quarantined and not refused."""
    findings: list[Finding] = []
    evse = evse_id(request.connectorId, "connectorId")
    if isinstance(evse, Refusal):
        return evse
    if evse == 0:
        findings.append(Finding("connector_zero", "connectorId"))
    fact = TransactionStarted(
        evse,
        utc(request.timestamp, findings),
        id_token=tokens.lift_16(request.idTag),
        register_wh=Decimal(request.meterStart),
        reservation_id=given(request.reservationId),
    )
    return Lifted(fact, tuple(findings))


def lower(answer: TransactionAnswer, _version: Version) -> Payload:
    """Return the response; a transaction id is needed, and who showed no card is told Invalid."""
    if answer.transaction_id is None:
        raise InputError("a 1.6 start is answered with an id", subject="StartTransaction")
    info = tokens.lower_authorization(answer.authorization or Authorization(TokenStatus.INVALID), Version.V16)
    return {"idTagInfo": info, "transactionId": int(answer.transaction_id)}


def ask(fact: TransactionStarted, _version: Version) -> Payload:
    """Return the request; 1.6 needs a token and a register, which it spells in whole Wh."""
    if fact.id_token is None or fact.register_wh is None:
        raise InputError("a 1.6 start needs an id_token and a register", subject="StartTransaction")
    return present(
        connectorId=fact.evse_id,
        idTag=fact.id_token.value,
        meterStart=whole_wh(fact.register_wh),
        reservationId=fact.reservation_id,
        timestamp=fact.at,
    )


def hear(response: v16.Response, _version: Version) -> TransactionAnswer:
    """Return the answer."""
    return TransactionAnswer(TransactionId(str(response.transactionId)), tokens.hear_16(response.idTagInfo))


MESSAGE = Message(
    "StartTransaction",
    {Version.V16: v16.Request},
    {Version.V16: v16.Response},
    (TransactionStarted,),
    lift,
    lower,
    ask,
    hear,
)
