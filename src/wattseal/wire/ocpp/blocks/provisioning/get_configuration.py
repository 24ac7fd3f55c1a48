"""GetConfiguration (1.6 section 5.8), from the CSMS: read configuration keys, or all of them.

Keys are variables (`configuration16`): the answer says of each whether it may be written.
"""

from wattseal.base.errors import InputError
from wattseal.model.device import VariableAsked, VariableGot, VariablesGet, VariablesGot
from wattseal.wire.ocpp.commanding import order
from wattseal.wire.ocpp.configuration16 import key_of, variable_of
from wattseal.wire.ocpp.generated.v16 import get_configuration as v16
from wattseal.wire.ocpp.message import Lifted, Payload, given, present
from wattseal.wire.ocpp.version import Version

UNKNOWN = "UnknownVariable"


def lift(request: v16.Request, _version: Version) -> Lifted:
    """Return `VariablesGet`."""
    keys = given(request.key) or ()
    return Lifted(VariablesGet(tuple(VariableAsked(*variable_of(key)) for key in keys)))


def ask(command: VariablesGet, _version: Version) -> Payload:
    """Return the request; a variable that 1.6 has no key for is an `InputError`."""
    keys = [key_of(asked.component, asked.variable) for asked in command.get_variable_data]
    if None in keys:
        raise InputError("OCPP 1.6 has no configuration key for this variable", subject="variable")
    return present(key=keys or None)


def lower(answer: VariablesGot, _version: Version) -> Payload:
    """Return the response."""
    known, unknown = [], []
    for got in answer.get_variable_result:
        key = key_of(got.component, got.variable)
        if got.attribute_status == "Accepted":
            known.append(present(key=key, readonly=got.mutability == "ReadOnly", value=got.attribute_value))
        else:
            unknown.append(key)
    return present(configurationKey=known or None, unknownKey=unknown or None)


def hear(response: v16.Response, _version: Version) -> VariablesGot:
    """Return the answer."""
    found = [
        VariableGot(
            "Accepted",
            *variable_of(entry.key),
            attribute_value=given(entry.value),
            mutability="ReadOnly" if entry.readonly else "ReadWrite",
        )
        for entry in given(response.configurationKey) or ()
    ]
    missing = [VariableGot(UNKNOWN, *variable_of(key)) for key in given(response.unknownKey) or ()]
    return VariablesGot((*found, *missing))


MESSAGE = order("GetConfiguration", {Version.V16: v16}, VariablesGet, lift=lift, ask=ask, lower=lower, hear=hear)
