"""RequestStopTransaction (2.x F03), from the CSMS: stop a transaction from afar."""

from wattseal.base.ids import TransactionId
from wattseal.model.remote import StopRequested
from wattseal.wire.ocpp.commanding import order
from wattseal.wire.ocpp.generated.v21 import request_stop_transaction as v21
from wattseal.wire.ocpp.generated.v201 import request_stop_transaction as v201
from wattseal.wire.ocpp.message import Lifted, Payload
from wattseal.wire.ocpp.version import Version

Request = v201.Request | v21.Request


def lift(request: Request, _version: Version) -> Lifted:
    """Return `StopRequested`."""
    return Lifted(StopRequested(TransactionId(request.transactionId)))


def ask(command: StopRequested, _version: Version) -> Payload:
    """Return the request."""
    return {"transactionId": command.transaction_id}


MESSAGE = order("RequestStopTransaction", {Version.V201: v201, Version.V21: v21}, StopRequested, lift=lift, ask=ask)
