"""AFRRSignal (2.1 Q06), from the CSMS: a frequency restoration signal."""

from wattseal.wire.ocpp.generated.v21 import afrr_signal as v21
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("AFRRSignal", {Version.V21: v21})
