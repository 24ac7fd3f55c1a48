"""ClearChargingProfile (1.6 section 5.5; 2.x K10), from the CSMS: remove charging profiles."""

from wattseal.wire.ocpp.generated.v16 import clear_charging_profile as v16
from wattseal.wire.ocpp.generated.v21 import clear_charging_profile as v21
from wattseal.wire.ocpp.generated.v201 import clear_charging_profile as v201
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("ClearChargingProfile", {Version.V16: v16, Version.V201: v201, Version.V21: v21})
