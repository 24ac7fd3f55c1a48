"""SignCertificate (1.6 security whitepaper A02, A03; 2.x A02, A03), from the station: a certificate signing request."""

from msgspec import UnsetType

from wattseal.model.certificates import SigningRequested
from wattseal.wire.ocpp.certificate_ids import lift_id, lower_id
from wattseal.wire.ocpp.commanding import hear_status, lower_status
from wattseal.wire.ocpp.generated.v16 import sign_certificate as v16
from wattseal.wire.ocpp.generated.v21 import sign_certificate as v21
from wattseal.wire.ocpp.generated.v201 import sign_certificate as v201
from wattseal.wire.ocpp.message import Lifted, Message, Payload, given, present
from wattseal.wire.ocpp.version import Version

Request = v16.Request | v201.Request | v21.Request


def lift(request: Request, _version: Version) -> Lifted:
    """Return `SigningRequested`."""
    if isinstance(request, v16.Request):
        return Lifted(SigningRequested(request.csr))
    use = given(request.certificateType)
    if isinstance(request, v201.Request):
        return Lifted(SigningRequested(request.csr, use))
    root = None if isinstance(request.hashRootCertificate, UnsetType) else lift_id(request.hashRootCertificate)
    return Lifted(SigningRequested(request.csr, use, given(request.requestId), root))


def ask(fact: SigningRequested, version: Version) -> Payload:
    """Return the request; 1.6 names no use, and 2.1 alone a number and a root."""
    newest = version is Version.V21
    return present(
        csr=fact.csr,
        certificateType=None if version is Version.V16 else fact.use,
        requestId=fact.request_id if newest else None,
        hashRootCertificate=lower_id(fact.root) if newest and fact.root is not None else None,
    )


MESSAGE = Message(
    "SignCertificate",
    {Version.V16: v16.Request, Version.V201: v201.Request, Version.V21: v21.Request},
    {Version.V16: v16.Response, Version.V201: v201.Response, Version.V21: v21.Response},
    (SigningRequested,),
    lift,
    lower_status,
    ask,
    hear_status,
)
