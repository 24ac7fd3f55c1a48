"""UsePriorityCharging (2.1 K22), from the CSMS: switch priority charging."""

from wattseal.wire.ocpp.generated.v21 import use_priority_charging as v21
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("UsePriorityCharging", {Version.V21: v21})
