"""Every OCPP message that is understood, and why the others are not yet.

Look-ups are by version and action (what arrives) or by version and type of fact (what is to be sent).
"""

from typing import Any

from msgspec import Raw

from wattseal.base.errors import InputError
from wattseal.model.answers import Answer
from wattseal.model.facts import Fact
from wattseal.wire.ocpp import guard
from wattseal.wire.ocpp.blocks.authorization import authorize
from wattseal.wire.ocpp.blocks.availability import status_notification
from wattseal.wire.ocpp.blocks.data_transfer import data_transfer
from wattseal.wire.ocpp.blocks.metering import meter_values
from wattseal.wire.ocpp.blocks.provisioning import boot_notification, heartbeat
from wattseal.wire.ocpp.blocks.transactions import start_transaction, stop_transaction, transaction_event
from wattseal.wire.ocpp.message import Lifted, Message
from wattseal.wire.ocpp.rpc import Call, CallResult
from wattseal.wire.ocpp.unsupported import UNSUPPORTED
from wattseal.wire.ocpp.values import ENCODER, decoder
from wattseal.wire.ocpp.version import Fault, Refusal, Version

MESSAGES: tuple[Message, ...] = (
    authorize.MESSAGE,
    boot_notification.MESSAGE,
    data_transfer.MESSAGE,
    heartbeat.MESSAGE,
    meter_values.MESSAGE,
    start_transaction.MESSAGE,
    status_notification.MESSAGE,
    stop_transaction.MESSAGE,
    transaction_event.MESSAGE,
)

_BY_ACTION = {(version, message.action): message for message in MESSAGES for version in message.requests}
_BY_FACT = {(version, kind): message for message in MESSAGES for version in message.requests for kind in message.facts}
_REQUESTS = {key: decoder(message.requests[key[0]]) for key, message in _BY_ACTION.items()}
_RESPONSES = {key: decoder(message.responses[key[0]]) for key, message in _BY_ACTION.items()}
_CALL_STRINGS, _RESULT_STRINGS = 2, 1


def decode(version: Version, call: Call) -> Any | Refusal:
    """Return the typed request in `call`, or why it is refused (NotImplemented, NotSupported, ...Violation)."""
    found = _REQUESTS.get((version, call.action))
    if found is None:
        return _unknown(version, call.action)
    return guard.decode(found, call.payload, call.raw, _CALL_STRINGS)


def lift(version: Version, call: Call) -> Lifted | Refusal:
    """Return the fact that `call` tells, with every finding once, or why it is refused."""
    request = decode(version, call)
    if isinstance(request, Refusal):
        return request
    lifted = _BY_ACTION[version, call.action].lift(request, version)
    if isinstance(lifted, Refusal) or not lifted.findings:
        return lifted
    return Lifted(lifted.fact, tuple(dict.fromkeys(lifted.findings)))


def lower(version: Version, action: str, answer: Answer) -> bytes:
    """Return the payload of the response to `action`; an answer of the wrong kind is an `InputError`."""
    return ENCODER.encode(_message(version, action).lower(answer, version))


def ask(version: Version, fact: Fact) -> tuple[str, bytes]:
    """Return `(action, payload)` of the request that tells `fact`; checked against its schema (`InputError`)."""
    message = _BY_FACT.get((version, type(fact)))
    if message is None:
        raise InputError(f"OCPP {version} has no message for {type(fact).__name__}", subject=type(fact).__name__)
    payload = ENCODER.encode(message.ask(fact, version))
    checked = guard.decode(_REQUESTS[version, message.action], payload, payload, 0)
    if isinstance(checked, Refusal):
        raise InputError(f"OCPP {version} cannot spell this: {checked.text}", subject=message.action)
    return message.action, payload


def hear(version: Version, result: CallResult) -> Answer | Refusal:
    """Return the answer in the result of our call, or what is wrong with it."""
    found = _RESPONSES.get((version, result.action))
    if found is None:
        return _unknown(version, result.action)
    response = guard.decode(found, result.payload, result.raw, _RESULT_STRINGS)
    return response if isinstance(response, Refusal) else _message(version, result.action).hear(response, version)


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
