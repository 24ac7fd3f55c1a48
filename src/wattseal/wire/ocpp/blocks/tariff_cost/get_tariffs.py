"""GetTariffs (2.1 I09), from the CSMS: ask which tariffs are installed."""

from wattseal.wire.ocpp.generated.v21 import get_tariffs as v21
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("GetTariffs", {Version.V21: v21})
