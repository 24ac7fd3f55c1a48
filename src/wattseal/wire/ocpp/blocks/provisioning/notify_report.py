"""NotifyReport (2.x B07, B08), from the station: a part of a report of the device model."""

from wattseal.model.device import InventoryReported
from wattseal.wire.ocpp.generated.v21 import notify_report as v21
from wattseal.wire.ocpp.generated.v201 import notify_report as v201
from wattseal.wire.ocpp.plainly import told_as
from wattseal.wire.ocpp.version import Version

MESSAGE = told_as("NotifyReport", {Version.V201: v201, Version.V21: v21}, InventoryReported)
