"""NotifyDERStartStop (2.1 R04), from the station: a DER control started or stopped."""

from wattseal.wire.ocpp.generated.v21 import notify_der_start_stop as v21
from wattseal.wire.ocpp.plainly import reported
from wattseal.wire.ocpp.version import Version

MESSAGE = reported("NotifyDERStartStop", {Version.V21: v21})
