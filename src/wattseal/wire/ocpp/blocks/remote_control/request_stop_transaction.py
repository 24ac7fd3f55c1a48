"""RequestStopTransaction (2.x F03), from the CSMS: stop a transaction from afar."""

from wattseal.wire.ocpp.generated.v21 import request_stop_transaction as v21
from wattseal.wire.ocpp.generated.v201 import request_stop_transaction as v201
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("RequestStopTransaction", {Version.V201: v201, Version.V21: v21})
