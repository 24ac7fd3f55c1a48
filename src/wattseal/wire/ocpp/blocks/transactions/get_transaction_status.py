"""GetTransactionStatus (2.x E14), from the CSMS: ask whether a transaction goes on and messages wait."""

from wattseal.wire.ocpp.generated.v21 import get_transaction_status as v21
from wattseal.wire.ocpp.generated.v201 import get_transaction_status as v201
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("GetTransactionStatus", {Version.V201: v201, Version.V21: v21})
