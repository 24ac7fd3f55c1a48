"""ChangeConfiguration (1.6 section 5.3), from the CSMS: write a configuration key."""

from wattseal.wire.ocpp.generated.v16 import change_configuration as v16
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("ChangeConfiguration", {Version.V16: v16})
