"""UpdateDynamicSchedule (2.1 K28), from the CSMS: push new values of a dynamic schedule."""

from wattseal.wire.ocpp.generated.v21 import update_dynamic_schedule as v21
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("UpdateDynamicSchedule", {Version.V21: v21})
