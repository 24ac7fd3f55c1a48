"""NotifyAllowedEnergyTransfer (2.1 Q01), from the CSMS: say which energy transfer modes are allowed."""

from wattseal.wire.ocpp.generated.v21 import notify_allowed_energy_transfer as v21
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("NotifyAllowedEnergyTransfer", {Version.V21: v21})
