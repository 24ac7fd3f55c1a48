"""Authorize (1.6 section 4.1; 2.x C01): a driver presented a token."""

from msgspec import UnsetType

from wattseal.model.answers import AuthorizationAnswer
from wattseal.model.facts import AuthorizationRequested
from wattseal.model.token import Authorization, IdToken, TokenStatus
from wattseal.model.verdict import Finding
from wattseal.wire.ocpp import tokens
from wattseal.wire.ocpp.certificate_ids import lift_id, lower_id
from wattseal.wire.ocpp.generated.v16 import authorize as v16
from wattseal.wire.ocpp.generated.v21 import authorize as v21
from wattseal.wire.ocpp.generated.v201 import authorize as v201
from wattseal.wire.ocpp.message import Lifted, Message, Payload, custom_data, given, items_of, present
from wattseal.wire.ocpp.version import Version

Request = v16.Request | v201.Request | v21.Request
Response = v16.Response | v201.Response | v21.Response


def lift(request: Request, _version: Version) -> Lifted:
    """Return `AuthorizationRequested`. An empty 1.6 idTag stays an empty token: nobody has it."""
    if isinstance(request, v16.Request):
        return Lifted(AuthorizationRequested(IdToken(request.idTag, tokens.TYPE_16)))
    findings: list[Finding] = []
    token = IdToken(request.idToken.idToken, request.idToken.type)
    told = request.iso15118CertificateHashData
    hashes = () if isinstance(told, UnsetType) else tuple((lift_id(one), one.responderURL) for one in told)
    items = items_of(request.customData, findings)
    return Lifted(AuthorizationRequested(token, items, given(request.certificate), hashes), tuple(findings))


def lower(answer: AuthorizationAnswer, version: Version) -> Payload:
    """Return the response; 1.6 cannot carry items."""
    info = tokens.lower_authorization(answer.authorization, version)
    if version is Version.V16:
        return {"idTagInfo": info}
    return present(idTokenInfo=info, certificateStatus=answer.certificate_status, customData=custom_data(answer.items))


def ask(fact: AuthorizationRequested, version: Version) -> Payload:
    """Return the request; 1.6 carries no items."""
    token = tokens.lower(fact.id_token, version)
    if version is Version.V16:
        return {"idTag": token}
    return present(
        idToken=token,
        certificate=fact.certificate,
        iso15118CertificateHashData=[lower_id(one) | {"responderURL": url} for one, url in fact.hashes] or None,
        customData=custom_data(fact.items),
    )


def hear(response: Response, _version: Version) -> AuthorizationAnswer:
    """Return the answer."""
    invalid = Authorization(TokenStatus.INVALID)
    if isinstance(response, v16.Response):
        return AuthorizationAnswer(tokens.hear_16(response.idTagInfo) or invalid)
    told = tokens.hear_2(response.idTokenInfo) or invalid
    return AuthorizationAnswer(told, items_of(response.customData, []), given(response.certificateStatus))


MESSAGE = Message(
    "Authorize",
    {Version.V16: v16.Request, Version.V201: v201.Request, Version.V21: v21.Request},
    {Version.V16: v16.Response, Version.V201: v201.Response, Version.V21: v21.Response},
    (AuthorizationRequested,),
    lift,
    lower,
    ask,
    hear,
)
