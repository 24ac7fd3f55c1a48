"""RequestStartTransaction (2.x F01, F02), from the CSMS: start a transaction from afar."""

from msgspec import UnsetType

from wattseal.base.errors import InputError
from wattseal.base.ids import EvseId, TransactionId
from wattseal.model.remote import StartRequested, StartResponded
from wattseal.model.token import IdToken
from wattseal.wire.ocpp import tokens
from wattseal.wire.ocpp.commanding import order, reasons, status_info
from wattseal.wire.ocpp.generated.v21 import request_start_transaction as v21
from wattseal.wire.ocpp.generated.v201 import request_start_transaction as v201
from wattseal.wire.ocpp.message import Lifted, Payload, given, present
from wattseal.wire.ocpp.plainly import content
from wattseal.wire.ocpp.version import Fault, Refusal, Version

Request = v201.Request | v21.Request
Response = v201.Response | v21.Response


def lift(request: Request, _version: Version) -> Lifted | Refusal:
    """Return `StartRequested`; an EVSE is numbered from 1, and the profile is a TxProfile (F01.FR.11)."""
    evse = given(request.evseId)
    if evse is not None and evse < 1:
        return Refusal(Fault.VALUE, "an EVSE is numbered from 1 - at `$.evseId`")
    profile = request.chargingProfile
    if not isinstance(profile, UnsetType) and profile.chargingProfilePurpose != "TxProfile":
        text = "the profile of a transaction has the purpose TxProfile - at `$.chargingProfile.chargingProfilePurpose`"
        return Refusal(Fault.VALUE, text)
    return Lifted(
        StartRequested(
            IdToken(request.idToken.idToken, request.idToken.type),
            request.remoteStartId,
            None if evse is None else EvseId(evse),
            tokens.lift_2(request.groupIdToken),
            None if isinstance(profile, UnsetType) else content(profile),
        )
    )


def ask(command: StartRequested, version: Version) -> Payload:
    """Return the request."""
    if command.remote_start_id is None:
        raise InputError("a remote start has an id of its own in OCPP 2.x", subject="remote_start_id")
    return present(
        idToken=tokens.lower(command.id_token, version),
        remoteStartId=command.remote_start_id,
        evseId=command.evse_id,
        groupIdToken=None if command.group is None else tokens.lower(command.group, version),
        chargingProfile=command.profile,
    )


def lower(answer: StartResponded, version: Version) -> Payload:
    """Return the response."""
    info = status_info(answer.reason, answer.detail, version)
    return present(status=answer.status, transactionId=answer.transaction_id, statusInfo=info)


def hear(response: Response, version: Version) -> StartResponded:
    """Return the answer."""
    told = given(response.transactionId)
    transaction = None if told is None else TransactionId(told)
    return StartResponded(response.status, transaction, *reasons(response, version))


MODULES = {Version.V201: v201, Version.V21: v21}
MESSAGE = order("RequestStartTransaction", MODULES, StartRequested, lift=lift, ask=ask, lower=lower, hear=hear)
