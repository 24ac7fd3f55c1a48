"""SetDisplayMessage (2.x O01, O02), from the CSMS: show a message."""

from wattseal.wire.ocpp.generated.v21 import set_display_message as v21
from wattseal.wire.ocpp.generated.v201 import set_display_message as v201
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("SetDisplayMessage", {Version.V201: v201, Version.V21: v21})
