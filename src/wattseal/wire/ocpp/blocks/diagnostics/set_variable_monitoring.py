"""SetVariableMonitoring (2.x N04), from the CSMS: set monitors."""

from wattseal.model.monitoring import MonitorsAnswered, MonitorsSet
from wattseal.wire.ocpp.generated.v21 import set_variable_monitoring as v21
from wattseal.wire.ocpp.generated.v201 import set_variable_monitoring as v201
from wattseal.wire.ocpp.plainly import asked_as
from wattseal.wire.ocpp.version import Version

MESSAGE = asked_as("SetVariableMonitoring", {Version.V201: v201, Version.V21: v21}, MonitorsSet, MonitorsAnswered)
