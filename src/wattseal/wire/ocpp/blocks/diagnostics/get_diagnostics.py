"""GetDiagnostics (1.6 section 5.9), from the CSMS: have diagnostics uploaded."""

from wattseal.wire.ocpp.generated.v16 import get_diagnostics as v16
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("GetDiagnostics", {Version.V16: v16})
