"""ExtendedTriggerMessage (1.6 security whitepaper, 4.5), from the CSMS: ask for a message."""

from wattseal.wire.ocpp.generated.v16 import extended_trigger_message as v16
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("ExtendedTriggerMessage", {Version.V16: v16})
