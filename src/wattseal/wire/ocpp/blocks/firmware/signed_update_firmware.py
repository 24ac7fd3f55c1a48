"""SignedUpdateFirmware (1.6 security whitepaper L01), from the CSMS: update signed firmware."""

from wattseal.model.firmware import SignedFirmwareUpdate
from wattseal.wire.ocpp.generated.v16 import signed_update_firmware as v16
from wattseal.wire.ocpp.plainly import asked_as
from wattseal.wire.ocpp.version import Version

MESSAGE = asked_as("SignedUpdateFirmware", {Version.V16: v16}, SignedFirmwareUpdate)
