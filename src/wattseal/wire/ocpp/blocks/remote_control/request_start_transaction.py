"""RequestStartTransaction (2.x F01, F02), from the CSMS: start a transaction from afar."""

from wattseal.wire.ocpp.generated.v21 import request_start_transaction as v21
from wattseal.wire.ocpp.generated.v201 import request_start_transaction as v201
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("RequestStartTransaction", {Version.V201: v201, Version.V21: v21})
