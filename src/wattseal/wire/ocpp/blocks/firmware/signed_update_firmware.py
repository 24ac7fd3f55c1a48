"""SignedUpdateFirmware (1.6 security whitepaper L01), from the CSMS: update signed firmware."""

from wattseal.wire.ocpp.generated.v16 import signed_update_firmware as v16
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("SignedUpdateFirmware", {Version.V16: v16})
