"""GetDERControl (2.1 R04), from the CSMS: ask for DER controls."""

from wattseal.wire.ocpp.generated.v21 import get_der_control as v21
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("GetDERControl", {Version.V21: v21})
