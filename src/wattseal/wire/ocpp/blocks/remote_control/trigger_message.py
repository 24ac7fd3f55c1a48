"""TriggerMessage (1.6 section 5.17; 2.x F06), from the CSMS: ask for a message."""

from wattseal.wire.ocpp.generated.v16 import trigger_message as v16
from wattseal.wire.ocpp.generated.v21 import trigger_message as v21
from wattseal.wire.ocpp.generated.v201 import trigger_message as v201
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("TriggerMessage", {Version.V16: v16, Version.V201: v201, Version.V21: v21})
