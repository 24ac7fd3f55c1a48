"""ChangeAvailability, from the CSMS: make a station, EVSE or connector operative or not.

Clauses: 1.6 section 5.2; 2.x G03, G04.
"""

from wattseal.wire.ocpp.generated.v16 import change_availability as v16
from wattseal.wire.ocpp.generated.v21 import change_availability as v21
from wattseal.wire.ocpp.generated.v201 import change_availability as v201
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("ChangeAvailability", {Version.V16: v16, Version.V201: v201, Version.V21: v21})
