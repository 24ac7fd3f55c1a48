"""What a message file declares, and the small conversions that all of them share.

Four directions, two for each side of a conversation; a station's messages carry facts, the CSMS's commands:

| side   | function | from -> to                             |
|--------|----------|----------------------------------------|
| asked  | `lift`   | request -> fact or command             |
| asked  | `lower`  | answer -> payload of the response      |
| asking | `ask`    | fact or command -> payload of the request |
| asking | `hear`   | response -> answer                     |
"""

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from enum import Enum
from typing import Any, TypeVar

from msgspec import Struct, UnsetType

from wattseal.base.ids import EvseId
from wattseal.model.message import Answer
from wattseal.model.verdict import Finding
from wattseal.wire.ocpp.values import CustomData
from wattseal.wire.ocpp.version import Fault, Refusal, Version

RECEIPTS = "receipts"
"""The field of such customData that carries metering receipts of vehicles, in their container."""
VENDOR = "wattseal"
"""The vendorId under which records travel in customData (2.x) and DataTransfer (1.6)."""
MAX_EVSE = 9999
"""A station with more EVSEs than this is a typing error."""

Payload = dict[str, object]
T = TypeVar("T")


class Sender(Enum):
    """Who may send a request."""

    STATION = "station"
    CSMS = "csms"
    EITHER = "either"


class Lifted(Struct, frozen=True, gc=False):
    """A `Fact` or, in a message of the CSMS, a `Command`; and what a reader should know about how it was told."""

    fact: Any
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """One action: its types by version, the facts or commands it carries, its four directions, and who sends it.

    `lift` may refuse what the schema lets pass but the specification's text forbids. `lower` and `ask` return plain
    JSON objects; a fact or answer that the version cannot spell is an `InputError`.
    """

    action: str
    requests: Mapping[Version, type[Any]]
    responses: Mapping[Version, type[Any]]
    facts: tuple[type[Any], ...]
    lift: Callable[[Any, Version], Lifted | Refusal]
    lower: Callable[[Any, Version], Payload]
    ask: Callable[[Any, Version], Payload]
    hear: Callable[[Any, Version], Answer]
    sender: Sender = Sender.STATION

    def may_come_from(self, side: Sender) -> bool:
        """Return whether `side` (STATION or CSMS) may send the request."""
        return self.sender is side or self.sender is Sender.EITHER


def given(value: T | UnsetType) -> T | None:
    """Return `value`, or None where the field was absent."""
    return None if isinstance(value, UnsetType) else value


def present(**fields: object) -> Payload:
    """Return the fields that are not None as a payload."""
    return {name: value for name, value in fields.items() if value is not None}


def utc(at: datetime, findings: list[Finding], field: str = "timestamp") -> datetime:
    """Return `at` in UTC.

    RFC 3339 demands a zone and OCPP 1.6 (3.12) recommends UTC; stations that leave it out mean UTC, so that is what is
    taken, with a finding. Refusing would lose the transaction.
    """
    if at.tzinfo is UTC:
        return at
    if at.tzinfo is None:
        findings.append(Finding("timestamp_without_zone", field))
        return at.replace(tzinfo=UTC)
    try:
        return at.astimezone(UTC)
    except OverflowError:
        findings.append(Finding("timestamp_out_of_range", field))
        return at.replace(tzinfo=UTC)


def items_of(custom: CustomData | UnsetType, findings: list[Finding]) -> tuple[bytes, ...]:
    """Return the records in `customData: {"vendorId": "wattseal", "items": [base64, ...]}`; none elsewhere."""
    if isinstance(custom, UnsetType) or custom.get("vendorId") != VENDOR:
        return ()
    if "items" not in custom and RECEIPTS in custom:
        return ()
    items = unpack_items(custom.get("items"))
    if items is None:
        findings.append(Finding("items_unreadable", "customData.items"))
        return ()
    return items


def receipts_of(custom: CustomData | UnsetType, findings: list[Finding]) -> tuple[bytes, ...]:
    """Return vehicles' metering receipts in `customData: {"vendorId": "wattseal", "receipts": [base64, ...]}`."""
    if isinstance(custom, UnsetType) or custom.get("vendorId") != VENDOR or RECEIPTS not in custom:
        return ()
    receipts = unpack_items(custom[RECEIPTS])
    if receipts is None:
        findings.append(Finding("receipts_unreadable", "customData.receipts"))
        return ()
    return receipts


def custom_data(items: Iterable[bytes]) -> Payload | None:
    """Return the customData that carries `items`, None for none; the inverse of `items_of`."""
    texts = pack_items(items)
    return {"vendorId": VENDOR, "items": texts} if texts else None


def pack_items(items: Iterable[bytes]) -> list[str]:
    """Return records as base64 texts."""
    return [base64.b64encode(item).decode("ascii") for item in items]


def unpack_items(value: object) -> tuple[bytes, ...] | None:
    """Return the records in a list of base64 texts; None where it is anything else."""
    if not isinstance(value, list):
        return None
    try:
        return tuple(base64.b64decode(text, validate=True) for text in value)
    except (TypeError, ValueError, binascii.Error):
        return None


def evse_id(told: int, field: str) -> EvseId | Refusal:
    """Return the EVSE (1.6 connectorId) number; the specifications demand >= 0, and stores a bound."""
    if 0 <= told <= MAX_EVSE:
        return EvseId(told)
    return Refusal(Fault.VALUE, f"{field} is a number from 0 to {MAX_EVSE}")


def whole_wh(register_wh: Decimal) -> int:
    """Return a register as 1.6 spells it, rounded half even to whole Wh; exact values travel in sampled values."""
    return int(register_wh.to_integral_value(ROUND_HALF_EVEN))
