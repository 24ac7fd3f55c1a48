"""LogStatusNotification (1.6 security whitepaper N01; 2.x N01), from the station: how the upload of a log goes."""

from wattseal.model.logs import LogStatusReported
from wattseal.wire.ocpp.generated.v16 import log_status_notification as v16
from wattseal.wire.ocpp.generated.v21 import log_status_notification as v21
from wattseal.wire.ocpp.generated.v201 import log_status_notification as v201
from wattseal.wire.ocpp.plainly import told_as
from wattseal.wire.ocpp.version import Version

MESSAGE = told_as("LogStatusNotification", {Version.V16: v16, Version.V201: v201, Version.V21: v21}, LogStatusReported)
