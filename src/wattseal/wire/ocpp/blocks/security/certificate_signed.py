"""CertificateSigned (1.6 security whitepaper A02, A03; 2.x A02, A03), from the CSMS: deliver a signed certificate."""

from wattseal.model.certificates import CertificateDelivered
from wattseal.wire.ocpp.commanding import order
from wattseal.wire.ocpp.generated.v16 import certificate_signed as v16
from wattseal.wire.ocpp.generated.v21 import certificate_signed as v21
from wattseal.wire.ocpp.generated.v201 import certificate_signed as v201
from wattseal.wire.ocpp.message import Lifted, Payload, given, present
from wattseal.wire.ocpp.version import Version

Request = v16.Request | v201.Request | v21.Request


def lift(request: Request, _version: Version) -> Lifted:
    """Return `CertificateDelivered`."""
    use = None if isinstance(request, v16.Request) else given(request.certificateType)
    number = given(request.requestId) if isinstance(request, v21.Request) else None
    return Lifted(CertificateDelivered(request.certificateChain, use, number))


def ask(command: CertificateDelivered, version: Version) -> Payload:
    """Return the request; 1.6 names no use, and 2.1 alone a number."""
    return present(
        certificateChain=command.chain,
        certificateType=None if version is Version.V16 else command.use,
        requestId=command.request_id if version is Version.V21 else None,
    )


MODULES = {Version.V16: v16, Version.V201: v201, Version.V21: v21}
MESSAGE = order("CertificateSigned", MODULES, CertificateDelivered, lift=lift, ask=ask)
