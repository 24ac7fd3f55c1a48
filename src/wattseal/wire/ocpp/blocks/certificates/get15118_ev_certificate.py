"""Get15118EVCertificate (2.x M01, M02), from the station: an EV asks for a contract certificate."""

from wattseal.wire.ocpp.generated.v21 import get15118_ev_certificate as v21
from wattseal.wire.ocpp.generated.v201 import get15118_ev_certificate as v201
from wattseal.wire.ocpp.plainly import reported
from wattseal.wire.ocpp.version import Version

MESSAGE = reported("Get15118EVCertificate", {Version.V201: v201, Version.V21: v21})
