"""GetLocalListVersion (1.6 section 5.10; 2.x D02), from the CSMS: ask for the version of the local list."""

from wattseal.wire.ocpp.generated.v16 import get_local_list_version as v16
from wattseal.wire.ocpp.generated.v21 import get_local_list_version as v21
from wattseal.wire.ocpp.generated.v201 import get_local_list_version as v201
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("GetLocalListVersion", {Version.V16: v16, Version.V201: v201, Version.V21: v21})
