"""GetTransactionStatus (2.x E14), from the CSMS: ask whether a transaction goes on and messages wait."""

from wattseal.base.ids import TransactionId
from wattseal.model.remote import TransactionStatusRequested, TransactionStatusResponded
from wattseal.wire.ocpp.commanding import order
from wattseal.wire.ocpp.generated.v21 import get_transaction_status as v21
from wattseal.wire.ocpp.generated.v201 import get_transaction_status as v201
from wattseal.wire.ocpp.message import Lifted, Payload, given, present
from wattseal.wire.ocpp.version import Version

Request = v201.Request | v21.Request
Response = v201.Response | v21.Response


def lift(request: Request, _version: Version) -> Lifted:
    """Return `TransactionStatusRequested`."""
    told = given(request.transactionId)
    return Lifted(TransactionStatusRequested(None if told is None else TransactionId(told)))


def ask(command: TransactionStatusRequested, _version: Version) -> Payload:
    """Return the request."""
    return present(transactionId=command.transaction_id)


def lower(answer: TransactionStatusResponded, _version: Version) -> Payload:
    """Return the response."""
    return present(messagesInQueue=answer.messages_in_queue, ongoingIndicator=answer.ongoing)


def hear(response: Response, _version: Version) -> TransactionStatusResponded:
    """Return the answer."""
    return TransactionStatusResponded(response.messagesInQueue, given(response.ongoingIndicator))


MODULES = {Version.V201: v201, Version.V21: v21}
MESSAGE = order("GetTransactionStatus", MODULES, TransactionStatusRequested, lift=lift, ask=ask, lower=lower, hear=hear)
