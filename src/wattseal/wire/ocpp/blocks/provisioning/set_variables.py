"""SetVariables (2.x B05), from the CSMS: write variables of the device model."""

from wattseal.wire.ocpp.generated.v21 import set_variables as v21
from wattseal.wire.ocpp.generated.v201 import set_variables as v201
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("SetVariables", {Version.V201: v201, Version.V21: v21})
