"""What the message files about charging limits share: parsing that may refuse, and answers of a status word."""

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from wattseal.model.charging_orders import ChargingReply
from wattseal.model.message import Answer, Replied
from wattseal.model.verdict import Finding
from wattseal.wire.ocpp.message import Lifted, Message, Payload, Sender, evse_id
from wattseal.wire.ocpp.plainly import content
from wattseal.wire.ocpp.profiles import TOO_LARGE, TooLargeError
from wattseal.wire.ocpp.values import Wire
from wattseal.wire.ocpp.version import Refusal, Version

Read = Callable[[dict[str, Any], Version, list[Finding]], Any]
"""`read(plain, version, findings)` returns the fact or command of a request's plain JSON."""


def message(
    action: str,
    modules: Mapping[Version, ModuleType],
    kind: type[Any],
    read: Read,
    ask: Callable[[Any, Version], Payload],
    *,
    sender: Sender,
    lower: Callable[[Any, Version], Payload] | None = None,
    hear: Callable[[dict[str, Any], Version], Answer] | None = None,
) -> Message:
    """Return a message whose request is read from its plain JSON; without `lower` it is answered by a status word."""
    listen = hear or _hear

    def lift(request: Wire, version: Version) -> Lifted | Refusal:
        findings: list[Finding] = []
        try:
            fact = read(content(request), version, findings)
        except TooLargeError:
            return TOO_LARGE
        place = getattr(fact, "evse_id", None)
        if place is not None and isinstance(refusal := evse_id(place, "evseId"), Refusal):
            return refusal
        return Lifted(fact, tuple(findings))

    return Message(
        action,
        {version: module.Request for version, module in modules.items()},
        {version: module.Response for version, module in modules.items()},
        (kind,),
        lift,
        lower or _lower,
        ask,
        lambda response, version: listen(content(response), version),
        sender,
    )


def _lower(answer: ChargingReply | Replied, version: Version) -> Payload:
    if isinstance(answer, Replied):
        return dict(answer.content)
    if answer.reason is None or version is Version.V16:
        return {"status": answer.status}
    return {"status": answer.status, "statusInfo": {"reasonCode": answer.reason}}


def _hear(told: dict[str, Any], _version: Version) -> Answer:
    return ChargingReply(told["status"], reason_of(told))


def reason_of(told: Mapping[str, Any]) -> str | None:
    """Return the reason code of a response (2.x), where there is one."""
    info = told.get("statusInfo")
    return None if info is None else str(info["reasonCode"])


def nothing(_answer: Any, _version: Version) -> Payload:
    """Return the empty response."""
    return {}


def heard(_told: dict[str, Any], _version: Version) -> Answer:
    """Return what an empty response says."""
    return Replied({})
