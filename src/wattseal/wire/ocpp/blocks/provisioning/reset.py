"""Reset (1.6 section 5.14; 2.x B11, B12), from the CSMS: restart a station or an EVSE."""

from wattseal.base.errors import InputError
from wattseal.base.ids import EvseId
from wattseal.model.remote import ResetKind, ResetRequested
from wattseal.wire.ocpp.commanding import order
from wattseal.wire.ocpp.generated.v16 import reset as v16
from wattseal.wire.ocpp.generated.v21 import reset as v21
from wattseal.wire.ocpp.generated.v201 import reset as v201
from wattseal.wire.ocpp.message import Lifted, Payload, given, present
from wattseal.wire.ocpp.version import Version

Request = v16.Request | v201.Request | v21.Request
_LIFTED_16 = {"Soft": ResetKind.IMMEDIATE, "Hard": ResetKind.HARD}
_SPELLED_16 = {kind: word for word, kind in _LIFTED_16.items()}


def lift(request: Request, _version: Version) -> Lifted:
    """Return `ResetRequested`: Soft ends transactions in order, as Immediate does; Hard need not."""
    if isinstance(request, v16.Request):
        return Lifted(ResetRequested(_LIFTED_16[request.type]))
    told = given(request.evseId)
    return Lifted(ResetRequested(ResetKind(request.type), None if told is None else EvseId(told)))


def ask(command: ResetRequested, version: Version) -> Payload:
    """Return the request; `InputError` where the version has no such restart."""
    if version is not Version.V16:
        kind = ResetKind.IMMEDIATE if command.kind is ResetKind.HARD else command.kind
        if kind is ResetKind.RESUME and version is not Version.V21:
            raise InputError("resuming transactions after a restart needs OCPP 2.1; use Immediate", subject="kind")
        return present(type=kind.value, evseId=command.evse_id)
    if command.evse_id:
        raise InputError("OCPP 1.6 restarts the whole station only; leave evse_id out", subject="evse_id")
    word = _SPELLED_16.get(command.kind)
    if word is None:
        raise InputError("OCPP 1.6 restarts at once only; use Immediate or Hard", subject="kind")
    return {"type": word}


MESSAGE = order("Reset", {Version.V16: v16, Version.V201: v201, Version.V21: v21}, ResetRequested, lift=lift, ask=ask)
