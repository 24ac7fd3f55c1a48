"""Every OCPP message that is understood.

Look-ups are by version and action (what arrives) or by version and type of fact or command (what is to be sent).
Decoders are made when they are first needed.
"""

from functools import cache
from typing import Any

import msgspec
from msgspec import Raw

from wattseal.base.errors import InputError
from wattseal.model.message import Answer, Asked, Command, Fact, Told
from wattseal.model.verdict import Finding
from wattseal.wire.ocpp import blocks, guard, spare
from wattseal.wire.ocpp.message import Lifted, Message, Sender
from wattseal.wire.ocpp.rpc import Call, CallResult
from wattseal.wire.ocpp.unsupported import UNSUPPORTED
from wattseal.wire.ocpp.values import ENCODER, decoder
from wattseal.wire.ocpp.version import Fault, Refusal, Version

MESSAGES = blocks.MESSAGES
_BY_ACTION = {(version, message.action): message for message in MESSAGES for version in message.requests}
_BY_FACT = {
    (version, kind): message
    for message in MESSAGES
    for version in message.requests
    for kind in message.facts
    if kind not in {Told, Asked}
}
_CALL_STRINGS, _RESULT_STRINGS = 2, 1


@cache
def _request(version: Version, action: str) -> msgspec.json.Decoder[Any]:
    return decoder(_BY_ACTION[version, action].requests[version])


@cache
def _response(version: Version, action: str) -> msgspec.json.Decoder[Any]:
    return decoder(_BY_ACTION[version, action].responses[version])


def find(version: Version, action: str) -> Message | None:
    """Return the message of an action in a version, if there is one."""
    return _BY_ACTION.get((version, action))


def decode(version: Version, call: Call, sender: Sender = Sender.STATION) -> Any | Refusal:
    """Return the typed request in `call`, or why it is refused (NotImplemented, NotSupported, ...Violation).

    `sender` is the side it came from: what the other side alone may say is not supported.
    """
    found = _BY_ACTION.get((version, call.action))
    if found is None:
        return _unknown(version, call.action)
    if not found.may_come_from(sender):
        return Refusal(Fault.UNSUPPORTED_ACTION, "this action is not for this direction")
    return guard.decode(_request(version, call.action), call.payload, call.raw, _CALL_STRINGS)


def lift(version: Version, call: Call, sender: Sender = Sender.STATION) -> Lifted | Refusal:
    """Return the fact or command that `call` tells, with every finding once, or why it is refused.

    Of some messages of a station the parts that depart from their schema are left out (`spare`).
    """
    request: Any = decode(version, call, sender)
    left: tuple[Finding, ...] = ()
    if isinstance(request, Refusal):
        spared = _spared(version, call, sender)
        if spared is None:
            return request
        request, left = spared
    lifted = _BY_ACTION[version, call.action].lift(request, version)
    if isinstance(lifted, Refusal) or not (lifted.findings or left):
        return lifted
    return Lifted(lifted.fact, tuple(dict.fromkeys((*lifted.findings, *left))))


def _spared(version: Version, call: Call, sender: Sender) -> tuple[Any, tuple[Finding, ...]] | None:
    found = _BY_ACTION.get((version, call.action))
    if found is None or call.action not in spare.READ_ANYWAY or not found.may_come_from(sender):
        return None
    return spare.spared(_request(version, call.action), call.payload)


def lower(version: Version, action: str, answer: Answer) -> bytes:
    """Return the payload of the response to `action`; an answer of the wrong kind is an `InputError`."""
    payload = _message(version, action).lower(answer, version)
    return ENCODER.encode(payload) if payload else b"{}"


def ask(version: Version, fact: Fact | Command) -> tuple[str, bytes]:
    """Return `(action, payload)` of the request that tells `fact`; checked against its schema (`InputError`)."""
    if isinstance(fact, Told | Asked):
        message = _message(version, fact.action)
    else:
        found = _BY_FACT.get((version, type(fact)))
        if found is None:
            raise InputError(f"OCPP {version} has no message for {type(fact).__name__}", subject=type(fact).__name__)
        message = found
    payload = ENCODER.encode(message.ask(fact, version))
    checked = guard.decode(_request(version, message.action), payload, payload, 0)
    if isinstance(checked, Refusal):
        raise InputError(f"OCPP {version} cannot spell this: {checked.text}", subject=message.action)
    return message.action, payload


def read_command(version: Version, action: str, payload: bytes) -> Command | Refusal:
    """Return the command that a payload for the station spells, or what is wrong with it."""
    found = _BY_ACTION.get((version, action))
    if found is None:
        return _unknown(version, action)
    if not found.may_come_from(Sender.CSMS):
        return Refusal(Fault.UNSUPPORTED_ACTION, "this action is not for this direction")
    request = guard.decode(_request(version, action), payload, payload, 0)
    if isinstance(request, Refusal):
        return request
    lifted = found.lift(request, version)
    if isinstance(lifted, Refusal):
        return lifted
    command: Command = lifted.fact
    return command


def hear(version: Version, result: CallResult) -> Answer | Refusal:
    """Return the answer in the result of our call, or what is wrong with it; as with some calls, parts are left out."""
    found = _BY_ACTION.get((version, result.action))
    if found is None or version not in found.responses:
        return _unknown(version, result.action)
    kind = _response(version, result.action)
    response = guard.decode(kind, result.payload, result.raw, _RESULT_STRINGS)
    if not isinstance(response, Refusal):
        return found.hear(response, version)
    read = spare.spared(kind, result.payload)
    return response if read is None else found.hear(read[0], version)


def encode(payload: object) -> Raw:
    """Return any JSON value of plain types as a payload."""
    return Raw(ENCODER.encode(payload))


def _message(version: Version, action: str) -> Message:
    message = _BY_ACTION.get((version, action))
    if message is None:
        raise InputError(f"OCPP {version} {action} is not in the catalog", subject=action)
    return message


def _unknown(version: Version, action: str) -> Refusal:
    if action in UNSUPPORTED[version]:
        return Refusal(Fault.UNSUPPORTED_ACTION, "this action is not supported here")
    return Refusal(Fault.UNKNOWN_ACTION, "this action is not known")
