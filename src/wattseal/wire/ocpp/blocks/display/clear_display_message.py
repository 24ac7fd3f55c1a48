"""ClearDisplayMessage (2.x O05), from the CSMS: remove a message."""

from wattseal.model.display import DisplayClear
from wattseal.wire.ocpp.generated.v21 import clear_display_message as v21
from wattseal.wire.ocpp.generated.v201 import clear_display_message as v201
from wattseal.wire.ocpp.plainly import asked_as
from wattseal.wire.ocpp.version import Version

MESSAGE = asked_as("ClearDisplayMessage", {Version.V201: v201, Version.V21: v21}, DisplayClear)
