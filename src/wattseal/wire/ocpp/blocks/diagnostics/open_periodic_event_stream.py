"""OpenPeriodicEventStream (2.1 N11), from the station: a stream of values begins."""

from wattseal.model.monitoring import StreamOpened
from wattseal.wire.ocpp.generated.v21 import open_periodic_event_stream as v21
from wattseal.wire.ocpp.plainly import told_as
from wattseal.wire.ocpp.version import Version

MESSAGE = told_as("OpenPeriodicEventStream", {Version.V21: v21}, StreamOpened)
