"""NotifyPriorityCharging (2.1 K21), from the station: priority charging was switched at the station."""

from wattseal.wire.ocpp.generated.v21 import notify_priority_charging as v21
from wattseal.wire.ocpp.plainly import reported
from wattseal.wire.ocpp.version import Version

MESSAGE = reported("NotifyPriorityCharging", {Version.V21: v21})
