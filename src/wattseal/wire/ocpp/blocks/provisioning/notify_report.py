"""NotifyReport (2.x B07, B08), from the station: a part of a device model report."""

from wattseal.wire.ocpp.generated.v21 import notify_report as v21
from wattseal.wire.ocpp.generated.v201 import notify_report as v201
from wattseal.wire.ocpp.plainly import reported
from wattseal.wire.ocpp.version import Version

MESSAGE = reported("NotifyReport", {Version.V201: v201, Version.V21: v21})
