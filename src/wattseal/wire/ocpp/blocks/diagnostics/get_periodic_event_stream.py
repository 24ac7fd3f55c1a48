"""GetPeriodicEventStream (2.1 N13), from the CSMS: ask which streams there are."""

from wattseal.wire.ocpp.generated.v21 import get_periodic_event_stream as v21
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("GetPeriodicEventStream", {Version.V21: v21})
