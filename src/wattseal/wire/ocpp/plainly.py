"""Messages whose content is kept as told: validated by their types, in no words but the protocol's own."""

from collections.abc import Mapping
from decimal import Decimal
from types import ModuleType
from typing import Any

import msgspec

from wattseal.model.message import Asked, Replied, Told
from wattseal.wire.ocpp.message import Lifted, Message, Payload, Sender
from wattseal.wire.ocpp.values import ENCODER, Wire
from wattseal.wire.ocpp.version import Version

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
        _lower,
        _ask,
        _hear,
        sender,
    )


def _lower(answer: Replied, _version: Version) -> Payload:
    return dict(answer.content)


def _ask(message: Told | Asked, _version: Version) -> Payload:
    return dict(message.content)


def _hear(response: Wire, _version: Version) -> Replied:
    return Replied(content(response))
