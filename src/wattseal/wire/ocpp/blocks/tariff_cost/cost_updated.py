"""CostUpdated (2.x I02), from the CSMS: show the running cost."""

from wattseal.wire.ocpp.generated.v21 import cost_updated as v21
from wattseal.wire.ocpp.generated.v201 import cost_updated as v201
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("CostUpdated", {Version.V201: v201, Version.V21: v21})
