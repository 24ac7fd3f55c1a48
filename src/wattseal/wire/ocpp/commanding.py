"""What the messages of the CSMS have in common: status answers, EVSE objects, and how a message is declared."""

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from msgspec import UnsetType

from wattseal.base.errors import InputError
from wattseal.base.ids import EvseId
from wattseal.model.message import Answer, Command
from wattseal.model.remote import Responded
from wattseal.wire.ocpp.generated.v21 import types as v21
from wattseal.wire.ocpp.generated.v201 import types as v201
from wattseal.wire.ocpp.message import Lifted, Message, Payload, Sender, given, present
from wattseal.wire.ocpp.version import Refusal, Version

StatusInfo = v201.StatusInfoType | v21.StatusInfoType
Evse = v201.EVSEType | v21.EVSEType


def order(
    action: str,
    modules: Mapping[Version, ModuleType],
    command: type[Command],
    *,
    lift: Callable[[Any, Version], Lifted | Refusal],
    ask: Callable[[Any, Version], Payload],
    lower: Callable[[Any, Version], Payload] | None = None,
    hear: Callable[[Any, Version], Answer] | None = None,
) -> Message:
    """Return a message of the CSMS; its answer is a status unless `lower` and `hear` say otherwise."""
    return Message(
        action,
        {version: module.Request for version, module in modules.items()},
        {version: module.Response for version, module in modules.items()},
        (command,),
        lift,
        lower or lower_status,
        ask,
        hear or hear_status,
        Sender.CSMS,
    )


def lower_status(answer: Responded, version: Version) -> Payload:
    """Return a response that is a status."""
    return present(status=answer.status, statusInfo=status_info(answer.reason, answer.detail, version))


def hear_status(response: Any, version: Version) -> Responded:
    """Return the status in a response."""
    return Responded(response.status, *reasons(response, version))


def status_info(reason: str | None, detail: str | None, version: Version) -> Payload | None:
    """Return statusInfo; 1.6 has none."""
    if version is Version.V16 or reason is None:
        return None
    return present(reasonCode=reason, additionalInfo=detail)


def reasons(response: Any, version: Version) -> tuple[str | None, str | None]:
    """Return reason code and detail of a response's statusInfo."""
    info: StatusInfo | UnsetType | None = None if version is Version.V16 else response.statusInfo
    if info is None or isinstance(info, UnsetType):
        return None, None
    return info.reasonCode, given(info.additionalInfo)


def lift_evse(evse: Evse | UnsetType) -> tuple[EvseId | None, int | None]:
    """Return the numbers of EVSE and connector, None where they were not named."""
    return (None, None) if isinstance(evse, UnsetType) else (EvseId(evse.id), given(evse.connectorId))


def lower_evse(evse_id: EvseId | None, connector_id: int | None) -> Payload | None:
    """Return the EVSE object; the station itself has none, and no connectors of its own (`InputError`)."""
    if not evse_id:
        if connector_id is not None:
            raise InputError("a connector is one of an EVSE; name the EVSE too", subject="evse_id")
        return None
    return present(id=evse_id, connectorId=connector_id)


def connector_16(evse_id: EvseId | None, connector_id: int | None) -> int | None:
    """Return the connectorId of 1.6, where an EVSE has one connector (`InputError` for another)."""
    if connector_id not in {None, 1} or (connector_id is not None and not evse_id):
        raise InputError("in OCPP 1.6 an EVSE has one connector; leave connector_id out", subject="connector_id")
    return evse_id
