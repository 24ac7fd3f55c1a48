"""Messages whose content is kept as told: validated by their types, in no words but the protocol's own."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from types import ModuleType
from typing import Any, TypeVar

import msgspec

from wattseal.model.message import Asked, Replied, Told
from wattseal.wire.ocpp.message import Lifted, Message, Payload, Sender
from wattseal.wire.ocpp.values import ENCODER, Wire
from wattseal.wire.ocpp.version import Version

T = TypeVar("T")
_PLAIN = msgspec.json.Decoder(float_hook=Decimal)


def content(value: Wire) -> dict[str, Any]:
    """Return a message as plain JSON values; numbers stay exact, times are RFC 3339 texts."""
    plain: dict[str, Any] = _PLAIN.decode(ENCODER.encode(value))
    return plain


def reported(action: str, modules: Mapping[Version, ModuleType]) -> Message:
    """Return a message of the station: its content becomes `Told`, its answer is `Replied`."""

    def lift(request: Wire, _version: Version) -> Lifted:
        return Lifted(Told(action, content(request)))

    return _message(action, modules, Sender.STATION, (Told,), lift)


def commanded(action: str, modules: Mapping[Version, ModuleType]) -> Message:
    """Return a message of the CSMS: its content becomes `Asked`, its answer is `Replied`."""

    def lift(request: Wire, _version: Version) -> Lifted:
        return Lifted(Asked(action, content(request)))

    return _message(action, modules, Sender.CSMS, (Asked,), lift)


def _message(
    action: str, modules: Mapping[Version, ModuleType], sender: Sender, facts: tuple[type[Any], ...], lift: Any
) -> Message:
    return Message(
        action,
        {version: module.Request for version, module in modules.items()},
        {version: module.Response for version, module in modules.items() if hasattr(module, "Response")},
        facts,
        lift,
        plain_answer,
        _ask,
        plain_response,
        sender,
    )


def plain_answer(answer: Replied, _version: Version) -> Payload:
    """Return a response that is plain content."""
    return dict(answer.content)


def _ask(message: Told | Asked, _version: Version) -> Payload:
    return dict(message.content)


def plain_response(response: Wire, _version: Version) -> Replied:
    """Return a response as plain content."""
    return Replied(content(response))


def told_as(action: str, modules: Mapping[Version, ModuleType], kind: type[Any]) -> Message:
    """Return a message of the station whose content becomes `kind`, a struct spelled in camelCase as 2.x does."""

    def lift(request: Wire, _version: Version) -> Lifted:
        return Lifted(read_as(request, kind))

    return replace(_message(action, modules, Sender.STATION, (kind,), lift), ask=spell)


def asked_as(
    action: str, modules: Mapping[Version, ModuleType], kind: type[Any], answer: type[Any] | None = None
) -> Message:
    """Return a message of the CSMS whose content becomes `kind`, and its answer `answer`, or `Replied` without one."""

    def lift(request: Wire, _version: Version) -> Lifted:
        return Lifted(read_as(request, kind))

    made = replace(_message(action, modules, Sender.CSMS, (kind,), lift), ask=spell)
    if answer is None:
        return made

    def hear(response: Wire, _version: Version) -> Any:
        return read_as(response, answer)

    return replace(made, lower=spell, hear=hear)


def read_as(value: Wire, kind: type[T]) -> T:
    """Return a message as `kind`, a struct of the model; what that does not name is left out."""
    return msgspec.convert(content(value), kind)


def spell(value: Any, _version: Version) -> Payload:
    """Return a struct of the model as plain JSON values; what has its default is left out."""
    plain: Payload = msgspec.to_builtins(value, builtin_types=(Decimal,))
    return plain
