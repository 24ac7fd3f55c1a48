"""UnpublishFirmware (2.x L04), from the CSMS: stop publishing firmware."""

from wattseal.model.firmware import FirmwareWithdrawal
from wattseal.wire.ocpp.generated.v21 import unpublish_firmware as v21
from wattseal.wire.ocpp.generated.v201 import unpublish_firmware as v201
from wattseal.wire.ocpp.plainly import asked_as
from wattseal.wire.ocpp.version import Version

MESSAGE = asked_as("UnpublishFirmware", {Version.V201: v201, Version.V21: v21}, FirmwareWithdrawal)
