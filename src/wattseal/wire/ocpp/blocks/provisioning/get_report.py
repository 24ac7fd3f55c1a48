"""GetReport (2.x B08), from the CSMS: ask for a report by criteria."""

from wattseal.wire.ocpp.generated.v21 import get_report as v21
from wattseal.wire.ocpp.generated.v201 import get_report as v201
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("GetReport", {Version.V201: v201, Version.V21: v21})
