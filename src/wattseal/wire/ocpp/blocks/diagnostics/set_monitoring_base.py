"""SetMonitoringBase (2.x N03), from the CSMS: choose a base set of monitors."""

from wattseal.wire.ocpp.generated.v21 import set_monitoring_base as v21
from wattseal.wire.ocpp.generated.v201 import set_monitoring_base as v201
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("SetMonitoringBase", {Version.V201: v201, Version.V21: v21})
