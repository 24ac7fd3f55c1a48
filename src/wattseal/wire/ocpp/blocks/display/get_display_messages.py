"""GetDisplayMessages (2.x O03, O04), from the CSMS: ask which messages are shown."""

from wattseal.wire.ocpp.generated.v21 import get_display_messages as v21
from wattseal.wire.ocpp.generated.v201 import get_display_messages as v201
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("GetDisplayMessages", {Version.V201: v201, Version.V21: v21})
