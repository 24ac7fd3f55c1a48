"""ClearCache (1.6 section 5.4; 2.x C11), from the CSMS: empty the authorisation cache."""

from wattseal.wire.ocpp.generated.v16 import clear_cache as v16
from wattseal.wire.ocpp.generated.v21 import clear_cache as v21
from wattseal.wire.ocpp.generated.v201 import clear_cache as v201
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("ClearCache", {Version.V16: v16, Version.V201: v201, Version.V21: v21})
