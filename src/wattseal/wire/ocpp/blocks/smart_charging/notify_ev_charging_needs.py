"""NotifyEVChargingNeeds (2.x K15), from the station: what an EV needs."""

from wattseal.wire.ocpp.generated.v21 import notify_ev_charging_needs as v21
from wattseal.wire.ocpp.generated.v201 import notify_ev_charging_needs as v201
from wattseal.wire.ocpp.plainly import reported
from wattseal.wire.ocpp.version import Version

MESSAGE = reported("NotifyEVChargingNeeds", {Version.V201: v201, Version.V21: v21})
