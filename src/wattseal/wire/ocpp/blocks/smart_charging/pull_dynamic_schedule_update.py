"""PullDynamicScheduleUpdate (2.1 K28), from the station: the station asks for new values of a dynamic schedule."""

from wattseal.wire.ocpp.generated.v21 import pull_dynamic_schedule_update as v21
from wattseal.wire.ocpp.plainly import reported
from wattseal.wire.ocpp.version import Version

MESSAGE = reported("PullDynamicScheduleUpdate", {Version.V21: v21})
