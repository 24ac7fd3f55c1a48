"""GetVariables (2.x B06), from the CSMS: read variables."""

from wattseal.model.device import VariablesGet, VariablesGot
from wattseal.wire.ocpp.generated.v21 import get_variables as v21
from wattseal.wire.ocpp.generated.v201 import get_variables as v201
from wattseal.wire.ocpp.plainly import asked_as
from wattseal.wire.ocpp.version import Version

MESSAGE = asked_as("GetVariables", {Version.V201: v201, Version.V21: v21}, VariablesGet, VariablesGot)
