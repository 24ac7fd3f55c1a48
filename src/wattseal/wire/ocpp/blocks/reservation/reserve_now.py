"""ReserveNow (1.6 section 5.13; 2.x H01), from the CSMS: reserve an EVSE."""

from wattseal.base.errors import InputError
from wattseal.base.ids import EvseId
from wattseal.model.reservation import ReserveRequested
from wattseal.model.token import IdToken
from wattseal.model.verdict import Finding
from wattseal.wire.ocpp import tokens
from wattseal.wire.ocpp.commanding import order
from wattseal.wire.ocpp.generated.v16 import reserve_now as v16
from wattseal.wire.ocpp.generated.v21 import reserve_now as v21
from wattseal.wire.ocpp.generated.v201 import reserve_now as v201
from wattseal.wire.ocpp.message import Lifted, Payload, evse_id, given, present, utc
from wattseal.wire.ocpp.version import Fault, Refusal, Version

Request = v16.Request | v201.Request | v21.Request


def lift(request: Request, _version: Version) -> Lifted | Refusal:
    """Return `ReserveRequested`; connector 0 of 1.6 is any EVSE."""
    if isinstance(request, v16.Request):
        return _lift_16(request)
    findings: list[Finding] = []
    told = given(request.evseId)
    if told is not None and told < 1:
        return Refusal(Fault.VALUE, "an EVSE is numbered from 1 - at `$.evseId`")
    command = ReserveRequested(
        request.id,
        IdToken(request.idToken.idToken, request.idToken.type),
        utc(request.expiryDateTime, findings, "expiryDateTime"),
        None if told is None else EvseId(told),
        given(request.connectorType),
        tokens.lift_2(request.groupIdToken),
    )
    return Lifted(command, tuple(findings))


def _lift_16(request: v16.Request) -> Lifted | Refusal:
    findings: list[Finding] = []
    evse = evse_id(request.connectorId, "connectorId")
    if isinstance(evse, Refusal):
        return evse
    command = ReserveRequested(
        request.reservationId,
        IdToken(request.idTag, tokens.TYPE_16),
        utc(request.expiryDate, findings, "expiryDate"),
        evse or None,
        None,
        tokens.lift_16(request.parentIdTag),
    )
    return Lifted(command, tuple(findings))


def ask(command: ReserveRequested, version: Version) -> Payload:
    """Return the request; 1.6 knows no types of connectors."""
    group = command.group if command.group is not None and tokens.can_spell(command.group, version) else None
    if version is Version.V16:
        if command.connector_type is not None:
            raise InputError("OCPP 1.6 reserves a connector by its number, not by type", subject="connector_type")
        return present(
            reservationId=command.id,
            connectorId=command.evse_id or 0,
            idTag=command.id_token.value,
            parentIdTag=None if group is None else group.value,
            expiryDate=command.expires_at,
        )
    return present(
        id=command.id,
        idToken=tokens.lower(command.id_token, version),
        expiryDateTime=command.expires_at,
        evseId=command.evse_id,
        connectorType=command.connector_type,
        groupIdToken=None if group is None else tokens.lower(group, version),
    )


MODULES = {Version.V16: v16, Version.V201: v201, Version.V21: v21}
MESSAGE = order("ReserveNow", MODULES, ReserveRequested, lift=lift, ask=ask)
