"""PublishFirmware (2.x L03), from the CSMS: publish firmware on a local controller."""

from wattseal.model.firmware import FirmwarePublication
from wattseal.wire.ocpp.generated.v21 import publish_firmware as v21
from wattseal.wire.ocpp.generated.v201 import publish_firmware as v201
from wattseal.wire.ocpp.plainly import asked_as
from wattseal.wire.ocpp.version import Version

MESSAGE = asked_as("PublishFirmware", {Version.V201: v201, Version.V21: v21}, FirmwarePublication)
