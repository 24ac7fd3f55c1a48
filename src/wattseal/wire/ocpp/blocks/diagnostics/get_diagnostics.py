"""GetDiagnostics (1.6 section 5.9), from the CSMS: have diagnostics uploaded."""

from wattseal.model.logs import DiagnosticsAnswered, DiagnosticsAsked
from wattseal.wire.ocpp.generated.v16 import get_diagnostics as v16
from wattseal.wire.ocpp.plainly import asked_as
from wattseal.wire.ocpp.version import Version

MESSAGE = asked_as("GetDiagnostics", {Version.V16: v16}, DiagnosticsAsked, DiagnosticsAnswered)
