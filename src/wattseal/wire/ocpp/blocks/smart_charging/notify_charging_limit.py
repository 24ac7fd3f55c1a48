"""NotifyChargingLimit (2.x K12), from the station: an external limit applies."""

from wattseal.wire.ocpp.generated.v21 import notify_charging_limit as v21
from wattseal.wire.ocpp.generated.v201 import notify_charging_limit as v201
from wattseal.wire.ocpp.plainly import reported
from wattseal.wire.ocpp.version import Version

MESSAGE = reported("NotifyChargingLimit", {Version.V201: v201, Version.V21: v21})
