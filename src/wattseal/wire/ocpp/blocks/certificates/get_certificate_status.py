"""GetCertificateStatus (2.x M06), from the station: the status of a certificate is asked."""

from wattseal.wire.ocpp.generated.v21 import get_certificate_status as v21
from wattseal.wire.ocpp.generated.v201 import get_certificate_status as v201
from wattseal.wire.ocpp.plainly import reported
from wattseal.wire.ocpp.version import Version

MESSAGE = reported("GetCertificateStatus", {Version.V201: v201, Version.V21: v21})
