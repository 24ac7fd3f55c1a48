"""GetConfiguration (1.6 section 5.8), from the CSMS: read configuration keys."""

from wattseal.wire.ocpp.generated.v16 import get_configuration as v16
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("GetConfiguration", {Version.V16: v16})
