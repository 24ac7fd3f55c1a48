"""SetDefaultTariff (2.1 I07), from the CSMS: install a default tariff."""

from wattseal.wire.ocpp.generated.v21 import set_default_tariff as v21
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("SetDefaultTariff", {Version.V21: v21})
