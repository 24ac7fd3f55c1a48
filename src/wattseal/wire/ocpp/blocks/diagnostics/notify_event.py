"""NotifyEvent (2.x N07), from the station: events of monitored variables."""

from wattseal.wire.ocpp.generated.v21 import notify_event as v21
from wattseal.wire.ocpp.generated.v201 import notify_event as v201
from wattseal.wire.ocpp.plainly import reported
from wattseal.wire.ocpp.version import Version

MESSAGE = reported("NotifyEvent", {Version.V201: v201, Version.V21: v21})
