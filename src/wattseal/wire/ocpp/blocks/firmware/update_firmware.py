"""UpdateFirmware (1.6 section 5.19; 2.x L01, L02), from the CSMS: update firmware."""

from wattseal.wire.ocpp.generated.v16 import update_firmware as v16
from wattseal.wire.ocpp.generated.v21 import update_firmware as v21
from wattseal.wire.ocpp.generated.v201 import update_firmware as v201
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("UpdateFirmware", {Version.V16: v16, Version.V201: v201, Version.V21: v21})
