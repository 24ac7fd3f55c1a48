"""CertificateSigned (1.6 security whitepaper A02, A03; 2.x A02, A03), from the CSMS: deliver a signed certificate."""

from wattseal.wire.ocpp.generated.v16 import certificate_signed as v16
from wattseal.wire.ocpp.generated.v21 import certificate_signed as v21
from wattseal.wire.ocpp.generated.v201 import certificate_signed as v201
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("CertificateSigned", {Version.V16: v16, Version.V201: v201, Version.V21: v21})
