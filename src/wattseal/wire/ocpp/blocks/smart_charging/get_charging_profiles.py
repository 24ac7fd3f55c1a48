"""GetChargingProfiles (2.x K09), from the CSMS: ask for the installed profiles."""

from wattseal.wire.ocpp.generated.v21 import get_charging_profiles as v21
from wattseal.wire.ocpp.generated.v201 import get_charging_profiles as v201
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("GetChargingProfiles", {Version.V201: v201, Version.V21: v21})
