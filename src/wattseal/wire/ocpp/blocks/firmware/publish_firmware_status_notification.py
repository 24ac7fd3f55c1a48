"""PublishFirmwareStatusNotification (2.x L03), from the station: how publishing goes."""

from wattseal.model.firmware import PublishStatusReported
from wattseal.wire.ocpp.generated.v21 import publish_firmware_status_notification as v21
from wattseal.wire.ocpp.generated.v201 import publish_firmware_status_notification as v201
from wattseal.wire.ocpp.plainly import told_as
from wattseal.wire.ocpp.version import Version

MESSAGE = told_as("PublishFirmwareStatusNotification", {Version.V201: v201, Version.V21: v21}, PublishStatusReported)
