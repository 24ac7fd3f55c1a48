"""ChangeConfiguration (1.6 section 5.3), from the CSMS: write a configuration key (`configuration16`)."""

from wattseal.base.errors import InputError
from wattseal.model.device import VariablesSet, VariablesWritten, VariableWrite, VariableWritten
from wattseal.wire.ocpp.commanding import order
from wattseal.wire.ocpp.configuration16 import key_of, variable_of
from wattseal.wire.ocpp.generated.v16 import change_configuration as v16
from wattseal.wire.ocpp.message import Lifted, Payload
from wattseal.wire.ocpp.version import Version

_UNKNOWN_16, _UNKNOWN = "NotSupported", "UnknownVariable"


def lift(request: v16.Request, _version: Version) -> Lifted:
    """Return `VariablesSet` of one variable."""
    return Lifted(VariablesSet((VariableWrite(request.value, *variable_of(request.key)),)))


def ask(command: VariablesSet, _version: Version) -> Payload:
    """Return the request; more than one variable, or one that 1.6 has no key for, is an `InputError`."""
    if len(command.set_variable_data) != 1:
        raise InputError("OCPP 1.6 sets one variable at a time", subject="variable")
    (write,) = command.set_variable_data
    key = key_of(write.component, write.variable)
    if key is None:
        raise InputError("OCPP 1.6 has no configuration key for this variable", subject="variable")
    return {"key": key, "value": write.attribute_value}


def lower(answer: VariablesWritten, _version: Version) -> Payload:
    """Return the response."""
    (written,) = answer.set_variable_result
    status = written.attribute_status
    if status not in {"Accepted", "Rejected", "RebootRequired"}:
        status = _UNKNOWN_16
    return {"status": status}


def hear(response: v16.Response, _version: Version) -> VariablesWritten:
    """Return the answer."""
    status = _UNKNOWN if response.status == _UNKNOWN_16 else response.status
    return VariablesWritten((VariableWritten(status),))


MESSAGE = order("ChangeConfiguration", {Version.V16: v16}, VariablesSet, lift=lift, ask=ask, lower=lower, hear=hear)
