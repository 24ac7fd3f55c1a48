"""FirmwareStatusNotification (1.6 section 4.5; 2.x L01), from the station: how a firmware update goes."""

from wattseal.model.firmware import FirmwareStatusReported
from wattseal.wire.ocpp.generated.v16 import firmware_status_notification as v16
from wattseal.wire.ocpp.generated.v21 import firmware_status_notification as v21
from wattseal.wire.ocpp.generated.v201 import firmware_status_notification as v201
from wattseal.wire.ocpp.plainly import told_as
from wattseal.wire.ocpp.version import Version

MESSAGE = told_as(
    "FirmwareStatusNotification", {Version.V16: v16, Version.V201: v201, Version.V21: v21}, FirmwareStatusReported
)
