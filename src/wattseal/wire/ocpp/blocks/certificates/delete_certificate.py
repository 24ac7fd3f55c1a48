"""DeleteCertificate (1.6 security whitepaper M04; 2.x M04), from the CSMS: delete a certificate."""

from wattseal.model.certificates import CertificateDeleted
from wattseal.wire.ocpp.certificate_ids import lift_id, lower_id
from wattseal.wire.ocpp.commanding import order
from wattseal.wire.ocpp.generated.v16 import delete_certificate as v16
from wattseal.wire.ocpp.generated.v21 import delete_certificate as v21
from wattseal.wire.ocpp.generated.v201 import delete_certificate as v201
from wattseal.wire.ocpp.message import Lifted, Payload
from wattseal.wire.ocpp.version import Version


def lift(request: v16.Request | v201.Request | v21.Request, _version: Version) -> Lifted:
    """Return `CertificateDeleted`."""
    return Lifted(CertificateDeleted(lift_id(request.certificateHashData)))


def ask(command: CertificateDeleted, _version: Version) -> Payload:
    """Return the request."""
    return {"certificateHashData": lower_id(command.certificate)}


MODULES = {Version.V16: v16, Version.V201: v201, Version.V21: v21}
MESSAGE = order("DeleteCertificate", MODULES, CertificateDeleted, lift=lift, ask=ask)
