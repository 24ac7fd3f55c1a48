"""ClosePeriodicEventStream (2.1 N12), from the station: a stream of values ends."""

from wattseal.model.monitoring import StreamClosed
from wattseal.wire.ocpp.generated.v21 import close_periodic_event_stream as v21
from wattseal.wire.ocpp.plainly import told_as
from wattseal.wire.ocpp.version import Version

MESSAGE = told_as("ClosePeriodicEventStream", {Version.V21: v21}, StreamClosed)
