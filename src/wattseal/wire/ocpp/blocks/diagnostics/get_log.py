"""GetLog (1.6 security whitepaper N01; 2.x N01), from the CSMS: have a log uploaded."""

from wattseal.model.logs import LogAnswered, LogAsked
from wattseal.wire.ocpp.generated.v16 import get_log as v16
from wattseal.wire.ocpp.generated.v21 import get_log as v21
from wattseal.wire.ocpp.generated.v201 import get_log as v201
from wattseal.wire.ocpp.plainly import asked_as
from wattseal.wire.ocpp.version import Version

MESSAGE = asked_as("GetLog", {Version.V16: v16, Version.V201: v201, Version.V21: v21}, LogAsked, LogAnswered)
