"""ClearVariableMonitoring (2.x N06), from the CSMS: remove monitors."""

from wattseal.model.monitoring import MonitorsClear, MonitorsCleared
from wattseal.wire.ocpp.generated.v21 import clear_variable_monitoring as v21
from wattseal.wire.ocpp.generated.v201 import clear_variable_monitoring as v201
from wattseal.wire.ocpp.plainly import asked_as
from wattseal.wire.ocpp.version import Version

MESSAGE = asked_as("ClearVariableMonitoring", {Version.V201: v201, Version.V21: v21}, MonitorsClear, MonitorsCleared)
