"""StopTransaction (1.6 section 4.10)."""

from decimal import Decimal

from wattseal.base.errors import InputError
from wattseal.base.ids import TransactionId
from wattseal.model.answers import TransactionAnswer
from wattseal.model.facts import TransactionEnded
from wattseal.model.verdict import Finding
from wattseal.wire.ocpp import readings, tokens
from wattseal.wire.ocpp.generated.v16 import stop_transaction as v16
from wattseal.wire.ocpp.message import Lifted, Message, Payload, given, present, utc, whole_wh
from wattseal.wire.ocpp.version import Version

DEFAULT_REASON = "Local"
"""What an absent reason means (1.6, 6.45)."""
REASONS = {
    "EmergencyStop",
    "EVDisconnected",
    "HardReset",
    "Local",
    "Other",
    "PowerLoss",
    "Reboot",
    "Remote",
    "SoftReset",
    "UnlockCommand",
    "DeAuthorized",
}


def lift(request: v16.Request, _version: Version) -> Lifted:
    """Return `TransactionEnded`, whatever the register and the id say: -1, 0 and negative Wh are facts too."""
    findings: list[Finding] = []
    fact = TransactionEnded(
        TransactionId(str(request.transactionId)),
        utc(request.timestamp, findings),
        Decimal(request.meterStop),
        given(request.reason) or DEFAULT_REASON,
        id_token=tokens.lift_16(request.idTag),
        readings=readings.lift_16(given(request.transactionData) or (), findings),
    )
    return Lifted(fact, tuple(findings))


def lower(answer: TransactionAnswer, _version: Version) -> Payload:
    """Return the response."""
    if answer.authorization is None:
        return {}
    return {"idTagInfo": tokens.lower_authorization(answer.authorization, Version.V16)}


def ask(fact: TransactionEnded, _version: Version) -> Payload:
    """Return the request; 1.6 needs a register in whole Wh, and reasons it lacks become Other."""
    if fact.register_wh is None:
        raise InputError("a 1.6 stop needs a register", subject="StopTransaction")
    return present(
        transactionId=int(fact.transaction_id),
        idTag=fact.id_token.value if fact.id_token else None,
        meterStop=whole_wh(fact.register_wh),
        timestamp=fact.at,
        reason=fact.reason if fact.reason is None or fact.reason in REASONS else "Other",
        transactionData=readings.lower(fact.readings, Version.V16),
    )


def hear(response: v16.Response, _version: Version) -> TransactionAnswer:
    """Return the answer."""
    return TransactionAnswer(None, tokens.hear_16(response.idTagInfo))


MESSAGE = Message(
    "StopTransaction",
    {Version.V16: v16.Request},
    {Version.V16: v16.Response},
    (TransactionEnded,),
    lift,
    lower,
    ask,
    hear,
)
