"""InstallCertificate (1.6 security whitepaper M05; 2.x M05), from the CSMS: install a root certificate."""

from wattseal.wire.ocpp.generated.v16 import install_certificate as v16
from wattseal.wire.ocpp.generated.v21 import install_certificate as v21
from wattseal.wire.ocpp.generated.v201 import install_certificate as v201
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("InstallCertificate", {Version.V16: v16, Version.V201: v201, Version.V21: v21})
