"""RemoteStartTransaction (1.6 section 5.11), from the CSMS: start a transaction from afar."""

from wattseal.base.errors import InputError
from wattseal.base.ids import EvseId
from wattseal.model.remote import StartRequested, StartResponded
from wattseal.model.token import IdToken
from wattseal.wire.ocpp import tokens
from wattseal.wire.ocpp.commanding import order
from wattseal.wire.ocpp.generated.v16 import remote_start_transaction as v16
from wattseal.wire.ocpp.message import Lifted, Payload, given, present
from wattseal.wire.ocpp.plainly import content
from wattseal.wire.ocpp.version import Fault, Refusal, Version


def lift(request: v16.Request, _version: Version) -> Lifted | Refusal:
    """Return `StartRequested`; connector 0 cannot charge (section 5.11: "connectorId SHALL be > 0")."""
    connector = given(request.connectorId)
    if connector is not None and connector < 1:
        return Refusal(Fault.VALUE, "a transaction starts at a connector, numbered from 1 - at `$.connectorId`")
    profile = given(request.chargingProfile)
    if profile is not None and profile.chargingProfilePurpose != "TxProfile":
        text = "the profile of a transaction has the purpose TxProfile - at `$.chargingProfile.chargingProfilePurpose`"
        return Refusal(Fault.VALUE, text)
    return Lifted(
        StartRequested(
            IdToken(request.idTag, tokens.TYPE_16),
            evse_id=None if connector is None else EvseId(connector),
            profile=None if profile is None else content(profile),
        )
    )


def ask(command: StartRequested, _version: Version) -> Payload:
    """Return the request; there is neither a remote start id nor a group in it."""
    if len(command.id_token.value) > 20:
        raise InputError("an idTag of OCPP 1.6 has at most 20 characters", subject="id_token")
    return present(idTag=command.id_token.value, connectorId=command.evse_id, chargingProfile=command.profile)


def lower(answer: StartResponded, _version: Version) -> Payload:
    """Return the response; the transaction id is given later, by the CSMS."""
    return present(status=answer.status)


def hear(response: v16.Response, _version: Version) -> StartResponded:
    """Return the answer."""
    return StartResponded(response.status)


MESSAGE = order(
    "RemoteStartTransaction", {Version.V16: v16}, StartRequested, lift=lift, ask=ask, lower=lower, hear=hear
)
