"""ReservationStatusUpdate (2.x H04), from the station: a reservation expired or was removed."""

from wattseal.wire.ocpp.generated.v21 import reservation_status_update as v21
from wattseal.wire.ocpp.generated.v201 import reservation_status_update as v201
from wattseal.wire.ocpp.plainly import reported
from wattseal.wire.ocpp.version import Version

MESSAGE = reported("ReservationStatusUpdate", {Version.V201: v201, Version.V21: v21})
