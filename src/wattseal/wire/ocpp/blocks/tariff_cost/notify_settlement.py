"""NotifySettlement (2.1 C25), from the station: a payment terminal settled a payment."""

from wattseal.wire.ocpp.generated.v21 import notify_settlement as v21
from wattseal.wire.ocpp.plainly import reported
from wattseal.wire.ocpp.version import Version

MESSAGE = reported("NotifySettlement", {Version.V21: v21})
