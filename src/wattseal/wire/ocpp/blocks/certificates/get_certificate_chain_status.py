"""GetCertificateChainStatus (2.1 M07), from the station: the status of a chain is asked."""

from wattseal.wire.ocpp.generated.v21 import get_certificate_chain_status as v21
from wattseal.wire.ocpp.plainly import reported
from wattseal.wire.ocpp.version import Version

MESSAGE = reported("GetCertificateChainStatus", {Version.V21: v21})
