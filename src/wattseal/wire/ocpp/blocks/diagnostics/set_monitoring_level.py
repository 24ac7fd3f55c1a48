"""SetMonitoringLevel (2.x N05), from the CSMS: choose the severity to report."""

from wattseal.wire.ocpp.generated.v21 import set_monitoring_level as v21
from wattseal.wire.ocpp.generated.v201 import set_monitoring_level as v201
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("SetMonitoringLevel", {Version.V201: v201, Version.V21: v21})
