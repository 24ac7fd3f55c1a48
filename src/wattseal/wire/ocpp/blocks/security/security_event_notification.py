"""SecurityEventNotification (1.6 security whitepaper A04; 2.x A04), from the station: a security event."""

from wattseal.model.security import SecurityEventReported
from wattseal.wire.ocpp.generated.v16 import security_event_notification as v16
from wattseal.wire.ocpp.generated.v21 import security_event_notification as v21
from wattseal.wire.ocpp.generated.v201 import security_event_notification as v201
from wattseal.wire.ocpp.plainly import told_as
from wattseal.wire.ocpp.version import Version

MODULES = {Version.V16: v16, Version.V201: v201, Version.V21: v21}
MESSAGE = told_as("SecurityEventNotification", MODULES, SecurityEventReported)
