"""NotifyPeriodicEventStream (2.1 N11), from the station: values of a stream (SEND, no answer)."""

from wattseal.model.monitoring import StreamReported
from wattseal.wire.ocpp.generated.v21 import notify_periodic_event_stream as v21
from wattseal.wire.ocpp.plainly import told_as
from wattseal.wire.ocpp.version import Version

MESSAGE = told_as("NotifyPeriodicEventStream", {Version.V21: v21}, StreamReported)
