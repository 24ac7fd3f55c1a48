"""ClearVariableMonitoring (2.x N06), from the CSMS: remove monitors."""

from wattseal.wire.ocpp.generated.v21 import clear_variable_monitoring as v21
from wattseal.wire.ocpp.generated.v201 import clear_variable_monitoring as v201
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("ClearVariableMonitoring", {Version.V201: v201, Version.V21: v21})
