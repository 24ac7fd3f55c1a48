"""Reset (1.6 section 5.14; 2.x B11, B12), from the CSMS: restart a station or an EVSE."""

from wattseal.wire.ocpp.generated.v16 import reset as v16
from wattseal.wire.ocpp.generated.v21 import reset as v21
from wattseal.wire.ocpp.generated.v201 import reset as v201
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("Reset", {Version.V16: v16, Version.V201: v201, Version.V21: v21})
