"""OpenPeriodicEventStream (2.1 N11), from the station: a stream of values begins."""

from wattseal.wire.ocpp.generated.v21 import open_periodic_event_stream as v21
from wattseal.wire.ocpp.plainly import reported
from wattseal.wire.ocpp.version import Version

MESSAGE = reported("OpenPeriodicEventStream", {Version.V21: v21})
