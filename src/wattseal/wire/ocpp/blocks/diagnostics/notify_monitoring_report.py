"""NotifyMonitoringReport (2.x N02), from the station: a part of a report of monitors."""

from wattseal.model.monitoring import MonitorsReported
from wattseal.wire.ocpp.generated.v21 import notify_monitoring_report as v21
from wattseal.wire.ocpp.generated.v201 import notify_monitoring_report as v201
from wattseal.wire.ocpp.plainly import told_as
from wattseal.wire.ocpp.version import Version

MESSAGE = told_as("NotifyMonitoringReport", {Version.V201: v201, Version.V21: v21}, MonitorsReported)
