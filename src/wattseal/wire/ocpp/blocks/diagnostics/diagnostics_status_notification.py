"""DiagnosticsStatusNotification (1.6 section 4.4), from the station: how the upload of diagnostics goes."""

from wattseal.model.logs import DiagnosticsStatusReported
from wattseal.wire.ocpp.generated.v16 import diagnostics_status_notification as v16
from wattseal.wire.ocpp.plainly import told_as
from wattseal.wire.ocpp.version import Version

MESSAGE = told_as("DiagnosticsStatusNotification", {Version.V16: v16}, DiagnosticsStatusReported)
