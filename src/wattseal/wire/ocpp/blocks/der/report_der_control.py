"""ReportDERControl (2.1 R04), from the station: DER controls."""

from wattseal.wire.ocpp.generated.v21 import report_der_control as v21
from wattseal.wire.ocpp.plainly import reported
from wattseal.wire.ocpp.version import Version

MESSAGE = reported("ReportDERControl", {Version.V21: v21})
