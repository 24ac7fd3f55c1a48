"""SendLocalList (1.6 section 5.15; 2.x D01), from the CSMS: send a local list or changes of it."""

from wattseal.wire.ocpp.generated.v16 import send_local_list as v16
from wattseal.wire.ocpp.generated.v21 import send_local_list as v21
from wattseal.wire.ocpp.generated.v201 import send_local_list as v201
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("SendLocalList", {Version.V16: v16, Version.V201: v201, Version.V21: v21})
