"""NotifyEvent (2.x N07), from the station: events of monitored variables."""

from wattseal.model.monitoring import EventsReported
from wattseal.wire.ocpp.generated.v21 import notify_event as v21
from wattseal.wire.ocpp.generated.v201 import notify_event as v201
from wattseal.wire.ocpp.plainly import told_as
from wattseal.wire.ocpp.version import Version

MESSAGE = told_as("NotifyEvent", {Version.V201: v201, Version.V21: v21}, EventsReported)
