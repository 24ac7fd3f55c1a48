"""SetNetworkProfile (2.x B09), from the CSMS: store how to reach a CSMS."""

from wattseal.wire.ocpp.generated.v21 import set_network_profile as v21
from wattseal.wire.ocpp.generated.v201 import set_network_profile as v201
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("SetNetworkProfile", {Version.V201: v201, Version.V21: v21})
