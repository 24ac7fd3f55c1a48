"""GetCompositeSchedule, from the CSMS: ask for the schedule that results from all profiles.

Clauses: 1.6 section 5.7; 2.x K08.
"""

from wattseal.wire.ocpp.generated.v16 import get_composite_schedule as v16
from wattseal.wire.ocpp.generated.v21 import get_composite_schedule as v21
from wattseal.wire.ocpp.generated.v201 import get_composite_schedule as v201
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("GetCompositeSchedule", {Version.V16: v16, Version.V201: v201, Version.V21: v21})
