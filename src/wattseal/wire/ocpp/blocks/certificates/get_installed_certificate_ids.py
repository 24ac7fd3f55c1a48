"""GetInstalledCertificateIds, from the CSMS: ask which certificates are installed.

Clauses: 1.6 security whitepaper M03; 2.x M03.
"""

from wattseal.base.errors import InputError
from wattseal.model.certificates import CertificatesListed, InstalledAnswer, InstalledCertificate
from wattseal.wire.ocpp.certificate_ids import lift_id, lift_use, lower_id, lower_use
from wattseal.wire.ocpp.commanding import order, reasons, status_info
from wattseal.wire.ocpp.generated.v16 import get_installed_certificate_ids as v16
from wattseal.wire.ocpp.generated.v21 import get_installed_certificate_ids as v21
from wattseal.wire.ocpp.generated.v21 import types as types21
from wattseal.wire.ocpp.generated.v201 import get_installed_certificate_ids as v201
from wattseal.wire.ocpp.generated.v201 import types as types201
from wattseal.wire.ocpp.message import Lifted, Payload, given, present
from wattseal.wire.ocpp.version import Version

Request = v16.Request | v201.Request | v21.Request
Chain = types201.CertificateHashDataChainType | types21.CertificateHashDataChainType
Response = v16.Response | v201.Response | v21.Response


def lift(request: Request, _version: Version) -> Lifted:
    """Return `CertificatesListed`."""
    if isinstance(request, v16.Request):
        return Lifted(CertificatesListed((lift_use(request.certificateType),)))
    return Lifted(CertificatesListed(tuple(given(request.certificateType) or ())))


def ask(command: CertificatesListed, version: Version) -> Payload:
    """Return the request; 1.6 asks after one use at a time (`InputError`)."""
    if version is not Version.V16:
        return present(certificateType=list(command.uses) or None)
    if len(command.uses) != 1:
        raise InputError("OCPP 1.6 asks after one use at a time", subject="uses")
    return {"certificateType": lower_use(command.uses[0], version)}


def lower(answer: InstalledAnswer, version: Version) -> Payload:
    """Return the response; 1.6 repeats no uses and knows no chains."""
    if version is Version.V16:
        ids = [lower_id(found.certificate) for found in answer.found]
        return present(status=answer.status, certificateHashData=ids or None)
    chains = [
        present(
            certificateType=found.use,
            certificateHashData=lower_id(found.certificate),
            childCertificateHashData=[lower_id(child) for child in found.children] or None,
        )
        for found in answer.found
    ]
    info = status_info(answer.reason, answer.detail, version)
    return present(status=answer.status, certificateHashDataChain=chains or None, statusInfo=info)


def hear(response: Response, version: Version) -> InstalledAnswer:
    """Return the answer; in 1.6 the use is that of the question, and "" here."""
    if isinstance(response, v16.Response):
        told = given(response.certificateHashData) or ()
        return InstalledAnswer(response.status, tuple(InstalledCertificate("", lift_id(one)) for one in told))
    chains: tuple[Chain, ...] = given(response.certificateHashDataChain) or ()
    found = tuple(
        InstalledCertificate(
            chain.certificateType,
            lift_id(chain.certificateHashData),
            tuple(lift_id(child) for child in given(chain.childCertificateHashData) or ()),
        )
        for chain in chains
    )
    return InstalledAnswer(response.status, found, *reasons(response, version))


MODULES = {Version.V16: v16, Version.V201: v201, Version.V21: v21}
MESSAGE = order("GetInstalledCertificateIds", MODULES, CertificatesListed, lift=lift, ask=ask, lower=lower, hear=hear)
