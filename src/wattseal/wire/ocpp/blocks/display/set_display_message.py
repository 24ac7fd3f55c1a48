"""SetDisplayMessage (2.x O01, O02), from the CSMS: show a message."""

from wattseal.model.display import DisplaySet
from wattseal.wire.ocpp.generated.v21 import set_display_message as v21
from wattseal.wire.ocpp.generated.v201 import set_display_message as v201
from wattseal.wire.ocpp.plainly import asked_as
from wattseal.wire.ocpp.version import Version

MESSAGE = asked_as("SetDisplayMessage", {Version.V201: v201, Version.V21: v21}, DisplaySet)
