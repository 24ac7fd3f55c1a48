"""Get15118EVCertificate (2.x M01, M02), from the station: an EV asks for a contract certificate."""

from wattseal.model.certificates import ContractAnswer, ContractAsked
from wattseal.wire.ocpp.commanding import reasons, status_info
from wattseal.wire.ocpp.generated.v21 import get15118_ev_certificate as v21
from wattseal.wire.ocpp.generated.v201 import get15118_ev_certificate as v201
from wattseal.wire.ocpp.message import Lifted, Message, Payload, given, present
from wattseal.wire.ocpp.version import Version


def lift(request: v201.Request | v21.Request, _version: Version) -> Lifted:
    """Return `ContractAsked`."""
    most, emaids = None, None
    if isinstance(request, v21.Request):
        most, emaids = given(request.maximumContractCertificateChains), given(request.prioritizedEMAIDs)
    fact = ContractAsked(request.iso15118SchemaVersion, request.action, request.exiRequest, most, tuple(emaids or ()))
    return Lifted(fact)


def lower(answer: ContractAnswer, version: Version) -> Payload:
    """Return the response; 2.1 alone says how many contracts are left."""
    return present(
        status=answer.status,
        exiResponse=answer.exi,
        remainingContracts=answer.remaining if version is Version.V21 else None,
        statusInfo=status_info(answer.reason, answer.detail, version),
    )


def ask(fact: ContractAsked, version: Version) -> Payload:
    """Return the request."""
    newest = version is Version.V21
    return present(
        iso15118SchemaVersion=fact.schema_version,
        action=fact.action,
        exiRequest=fact.exi,
        maximumContractCertificateChains=fact.most_chains if newest else None,
        prioritizedEMAIDs=(list(fact.emaids) or None) if newest else None,
    )


def hear(response: v201.Response | v21.Response, version: Version) -> ContractAnswer:
    """Return the answer."""
    left = given(response.remainingContracts) if isinstance(response, v21.Response) else None
    return ContractAnswer(response.status, response.exiResponse, left, *reasons(response, version))


MESSAGE = Message(
    "Get15118EVCertificate",
    {Version.V201: v201.Request, Version.V21: v21.Request},
    {Version.V201: v201.Response, Version.V21: v21.Response},
    (ContractAsked,),
    lift,
    lower,
    ask,
    hear,
)
