"""ClearTariffs (2.1 I10), from the CSMS: remove tariffs."""

from wattseal.wire.ocpp.generated.v21 import clear_tariffs as v21
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("ClearTariffs", {Version.V21: v21})
