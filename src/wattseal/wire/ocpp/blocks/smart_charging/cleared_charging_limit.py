"""ClearedChargingLimit (2.x K13), from the station: an external limit is gone."""

from wattseal.wire.ocpp.generated.v21 import cleared_charging_limit as v21
from wattseal.wire.ocpp.generated.v201 import cleared_charging_limit as v201
from wattseal.wire.ocpp.plainly import reported
from wattseal.wire.ocpp.version import Version

MESSAGE = reported("ClearedChargingLimit", {Version.V201: v201, Version.V21: v21})
