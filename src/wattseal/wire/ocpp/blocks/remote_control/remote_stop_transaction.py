"""RemoteStopTransaction (1.6 section 5.12), from the CSMS: stop a transaction from afar."""

from wattseal.wire.ocpp.generated.v16 import remote_stop_transaction as v16
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("RemoteStopTransaction", {Version.V16: v16})
