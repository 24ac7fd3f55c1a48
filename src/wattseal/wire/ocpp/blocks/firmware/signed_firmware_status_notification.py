"""SignedFirmwareStatusNotification, from the station: how a signed firmware update goes.

Clauses: 1.6 security whitepaper L01.
"""

from wattseal.model.firmware import SignedFirmwareStatusReported
from wattseal.wire.ocpp.generated.v16 import signed_firmware_status_notification as v16
from wattseal.wire.ocpp.plainly import told_as
from wattseal.wire.ocpp.version import Version

MESSAGE = told_as("SignedFirmwareStatusNotification", {Version.V16: v16}, SignedFirmwareStatusReported)
