"""SetVariables (2.x B05), from the CSMS: write variables."""

from wattseal.model.device import VariablesSet, VariablesWritten
from wattseal.wire.ocpp.generated.v21 import set_variables as v21
from wattseal.wire.ocpp.generated.v201 import set_variables as v201
from wattseal.wire.ocpp.plainly import asked_as
from wattseal.wire.ocpp.version import Version

MESSAGE = asked_as("SetVariables", {Version.V201: v201, Version.V21: v21}, VariablesSet, VariablesWritten)
