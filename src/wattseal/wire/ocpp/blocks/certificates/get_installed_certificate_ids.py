"""GetInstalledCertificateIds, from the CSMS: ask which certificates are installed.

Clauses: 1.6 security whitepaper M03; 2.x M03.
"""

from wattseal.wire.ocpp.generated.v16 import get_installed_certificate_ids as v16
from wattseal.wire.ocpp.generated.v21 import get_installed_certificate_ids as v21
from wattseal.wire.ocpp.generated.v201 import get_installed_certificate_ids as v201
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("GetInstalledCertificateIds", {Version.V16: v16, Version.V201: v201, Version.V21: v21})
