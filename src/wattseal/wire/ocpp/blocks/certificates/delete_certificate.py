"""DeleteCertificate (1.6 security whitepaper M04; 2.x M04), from the CSMS: delete a certificate."""

from wattseal.wire.ocpp.generated.v16 import delete_certificate as v16
from wattseal.wire.ocpp.generated.v21 import delete_certificate as v21
from wattseal.wire.ocpp.generated.v201 import delete_certificate as v201
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("DeleteCertificate", {Version.V16: v16, Version.V201: v201, Version.V21: v21})
