"""GetCertificateChainStatus (2.1 M07), from the station: the status of a chain is asked."""

from wattseal.model.certificates import CertificateStatus, ChainStatusAnswer, ChainStatusAsked, StatusQuestion
from wattseal.wire.ocpp.certificate_ids import lift_id, lower_id
from wattseal.wire.ocpp.generated.v21 import get_certificate_chain_status as v21
from wattseal.wire.ocpp.message import Lifted, Message, Payload, utc
from wattseal.wire.ocpp.version import Version


def lift(request: v21.Request, _version: Version) -> Lifted:
    """Return `ChainStatusAsked`."""
    return Lifted(
        ChainStatusAsked(
            tuple(
                StatusQuestion(lift_id(one.certificateHashData), one.source, tuple(one.urls))
                for one in request.certificateStatusRequests
            )
        )
    )


def lower(answer: ChainStatusAnswer, _version: Version) -> Payload:
    """Return the response."""
    return {
        "certificateStatus": [
            {
                "certificateHashData": lower_id(one.certificate),
                "source": one.source,
                "status": one.status,
                "nextUpdate": one.next_update,
            }
            for one in answer.statuses
        ]
    }


def ask(fact: ChainStatusAsked, _version: Version) -> Payload:
    """Return the request."""
    return {
        "certificateStatusRequests": [
            {"certificateHashData": lower_id(one.certificate), "source": one.source, "urls": list(one.urls)}
            for one in fact.questions
        ]
    }


def hear(response: v21.Response, _version: Version) -> ChainStatusAnswer:
    """Return the answer."""
    return ChainStatusAnswer(
        tuple(
            CertificateStatus(lift_id(one.certificateHashData), one.source, one.status, utc(one.nextUpdate, []))
            for one in response.certificateStatus
        )
    )


MESSAGE = Message(
    "GetCertificateChainStatus",
    {Version.V21: v21.Request},
    {Version.V21: v21.Response},
    (ChainStatusAsked,),
    lift,
    lower,
    ask,
    hear,
)
