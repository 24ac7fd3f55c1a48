"""RemoteStartTransaction (1.6 section 5.11), from the CSMS: start a transaction from afar."""

from wattseal.wire.ocpp.generated.v16 import remote_start_transaction as v16
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("RemoteStartTransaction", {Version.V16: v16})
