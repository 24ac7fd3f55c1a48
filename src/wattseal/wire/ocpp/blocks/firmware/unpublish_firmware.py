"""UnpublishFirmware (2.x L04), from the CSMS: stop publishing firmware."""

from wattseal.wire.ocpp.generated.v21 import unpublish_firmware as v21
from wattseal.wire.ocpp.generated.v201 import unpublish_firmware as v201
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("UnpublishFirmware", {Version.V201: v201, Version.V21: v21})
