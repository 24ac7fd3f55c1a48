"""CancelReservation (1.6 section 5.1; 2.x H02), from the CSMS: cancel a reservation."""

from wattseal.wire.ocpp.generated.v16 import cancel_reservation as v16
from wattseal.wire.ocpp.generated.v21 import cancel_reservation as v21
from wattseal.wire.ocpp.generated.v201 import cancel_reservation as v201
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("CancelReservation", {Version.V16: v16, Version.V201: v201, Version.V21: v21})
