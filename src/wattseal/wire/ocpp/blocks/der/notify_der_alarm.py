"""NotifyDERAlarm (2.1 R05), from the station: a DER alarm."""

from wattseal.wire.ocpp.generated.v21 import notify_der_alarm as v21
from wattseal.wire.ocpp.plainly import reported
from wattseal.wire.ocpp.version import Version

MESSAGE = reported("NotifyDERAlarm", {Version.V21: v21})
