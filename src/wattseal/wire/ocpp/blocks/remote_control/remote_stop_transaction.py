"""RemoteStopTransaction (1.6 section 5.12), from the CSMS: stop a transaction from afar."""

from wattseal.base.errors import InputError
from wattseal.base.ids import TransactionId
from wattseal.model.remote import StopRequested
from wattseal.wire.ocpp.commanding import order
from wattseal.wire.ocpp.generated.v16 import remote_stop_transaction as v16
from wattseal.wire.ocpp.message import Lifted, Payload
from wattseal.wire.ocpp.version import Version


def lift(request: v16.Request, _version: Version) -> Lifted:
    """Return `StopRequested`."""
    return Lifted(StopRequested(TransactionId(str(request.transactionId))))


def ask(command: StopRequested, _version: Version) -> Payload:
    """Return the request; 1.6 numbers its transactions."""
    try:
        return {"transactionId": int(command.transaction_id)}
    except ValueError as error:
        raise InputError("a transaction of OCPP 1.6 has a number", subject="transaction_id") from error


MESSAGE = order("RemoteStopTransaction", {Version.V16: v16}, StopRequested, lift=lift, ask=ask)
