"""SetChargingProfile (1.6 section 5.16; 2.x K01), from the CSMS: install a charging profile."""

from wattseal.wire.ocpp.generated.v16 import set_charging_profile as v16
from wattseal.wire.ocpp.generated.v21 import set_charging_profile as v21
from wattseal.wire.ocpp.generated.v201 import set_charging_profile as v201
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("SetChargingProfile", {Version.V16: v16, Version.V201: v201, Version.V21: v21})
