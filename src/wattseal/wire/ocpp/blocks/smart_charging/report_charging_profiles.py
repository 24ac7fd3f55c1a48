"""ReportChargingProfiles (2.x K09), from the station: installed profiles."""

from wattseal.wire.ocpp.generated.v21 import report_charging_profiles as v21
from wattseal.wire.ocpp.generated.v201 import report_charging_profiles as v201
from wattseal.wire.ocpp.plainly import reported
from wattseal.wire.ocpp.version import Version

MESSAGE = reported("ReportChargingProfiles", {Version.V201: v201, Version.V21: v21})
