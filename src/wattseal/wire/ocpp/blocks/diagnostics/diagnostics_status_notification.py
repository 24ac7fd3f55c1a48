"""DiagnosticsStatusNotification (1.6 section 4.4), from the station: how the upload of diagnostics goes."""

from wattseal.wire.ocpp.generated.v16 import diagnostics_status_notification as v16
from wattseal.wire.ocpp.plainly import reported
from wattseal.wire.ocpp.version import Version

MESSAGE = reported("DiagnosticsStatusNotification", {Version.V16: v16})
