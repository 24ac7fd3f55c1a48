"""SetDERControl (2.1 R04), from the CSMS: install a DER control."""

from wattseal.wire.ocpp.generated.v21 import set_der_control as v21
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("SetDERControl", {Version.V21: v21})
