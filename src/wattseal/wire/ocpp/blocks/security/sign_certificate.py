"""SignCertificate (1.6 security whitepaper A02, A03; 2.x A02, A03), from the station: a certificate signing request."""

from wattseal.wire.ocpp.generated.v16 import sign_certificate as v16
from wattseal.wire.ocpp.generated.v21 import sign_certificate as v21
from wattseal.wire.ocpp.generated.v201 import sign_certificate as v201
from wattseal.wire.ocpp.plainly import reported
from wattseal.wire.ocpp.version import Version

MESSAGE = reported("SignCertificate", {Version.V16: v16, Version.V201: v201, Version.V21: v21})
