"""NotifyEVChargingSchedule (2.x K15, K16), from the station: what an EV will draw."""

from wattseal.wire.ocpp.generated.v21 import notify_ev_charging_schedule as v21
from wattseal.wire.ocpp.generated.v201 import notify_ev_charging_schedule as v201
from wattseal.wire.ocpp.plainly import reported
from wattseal.wire.ocpp.version import Version

MESSAGE = reported("NotifyEVChargingSchedule", {Version.V201: v201, Version.V21: v21})
