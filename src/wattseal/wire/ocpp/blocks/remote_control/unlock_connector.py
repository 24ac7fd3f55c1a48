"""UnlockConnector (1.6 section 5.18; 2.x F05), from the CSMS: unlock a connector."""

from wattseal.wire.ocpp.generated.v16 import unlock_connector as v16
from wattseal.wire.ocpp.generated.v21 import unlock_connector as v21
from wattseal.wire.ocpp.generated.v201 import unlock_connector as v201
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("UnlockConnector", {Version.V16: v16, Version.V201: v201, Version.V21: v21})
