"""ReserveNow (1.6 section 5.13; 2.x H01), from the CSMS: reserve an EVSE."""

from wattseal.wire.ocpp.generated.v16 import reserve_now as v16
from wattseal.wire.ocpp.generated.v21 import reserve_now as v21
from wattseal.wire.ocpp.generated.v201 import reserve_now as v201
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("ReserveNow", {Version.V16: v16, Version.V201: v201, Version.V21: v21})
