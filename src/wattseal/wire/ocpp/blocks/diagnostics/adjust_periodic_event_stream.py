"""AdjustPeriodicEventStream (2.1 N14), from the CSMS: change the pace of a stream."""

from wattseal.model.monitoring import StreamAdjusted
from wattseal.wire.ocpp.generated.v21 import adjust_periodic_event_stream as v21
from wattseal.wire.ocpp.plainly import asked_as
from wattseal.wire.ocpp.version import Version

MESSAGE = asked_as("AdjustPeriodicEventStream", {Version.V21: v21}, StreamAdjusted)
