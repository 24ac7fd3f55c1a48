"""RequestBatterySwap (2.1 S02), from the CSMS: have a battery swapped."""

from wattseal.wire.ocpp.generated.v21 import request_battery_swap as v21
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("RequestBatterySwap", {Version.V21: v21})
