"""NotifyDisplayMessages (2.x O03, O04), from the station: messages that are shown."""

from wattseal.model.display import DisplaysReported
from wattseal.wire.ocpp.generated.v21 import notify_display_messages as v21
from wattseal.wire.ocpp.generated.v201 import notify_display_messages as v201
from wattseal.wire.ocpp.plainly import told_as
from wattseal.wire.ocpp.version import Version

MESSAGE = told_as("NotifyDisplayMessages", {Version.V201: v201, Version.V21: v21}, DisplaysReported)
