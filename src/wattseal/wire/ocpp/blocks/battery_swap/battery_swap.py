"""BatterySwap (2.1 S01, S03), from the station: batteries were put in or taken out."""

from wattseal.wire.ocpp.generated.v21 import battery_swap as v21
from wattseal.wire.ocpp.plainly import reported
from wattseal.wire.ocpp.version import Version

MESSAGE = reported("BatterySwap", {Version.V21: v21})
