"""How an edge speaks to the CSMS: which OCPP message carries its items, and what of a transaction event may be seen.

OCPP 1.6 has one carrier, DataTransfer. In 2.x the items travel in `customData` of the message they belong to, of an
Authorize for requests, of a Heartbeat for the rest.
"""

from base64 import b32encode, b64decode, b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from wattseal.parties.edge.state import Charge
from wattseal.wire.ocpp import guard

VENDOR = "wattseal"
MESSAGE_ID = "items"
MAX_ITEMS = 64
"""Items taken from one answer."""
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_EVENT_FIELDS = frozenset({"eventType", "timestamp", "triggerReason", "seqNo", "offline", "evse"})
_TRANSACTION_FIELDS = frozenset({"transactionId", "chargingState", "stoppedReason", "remoteStartId"})


@dataclass(frozen=True, slots=True)
class Upward:
    """A message for the CSMS: an OCPP call of the station's version (none: any carrier will do) and items on it."""

    items: tuple[bytes, ...] = ()
    action: str | None = None
    payload: Mapping[str, Any] | None = None

    def encode(self) -> bytes:
        """Return the outbox's spelling."""
        items = [b64encode(item).decode() for item in self.items]
        return to_json({"action": self.action, "payload": self.payload, "items": items})

    @staticmethod
    def decode(body: bytes) -> "Upward":
        """Read the outbox's spelling."""
        value = from_json(body)
        return Upward(tuple(b64decode(item) for item in value["items"]), value["action"], value["payload"])


def to_json(value: object) -> bytes:
    """Encode JSON, decimals as numbers with the digits they have."""
    return _ENCODER.encode(value)


def from_json(data: bytes) -> Any:
    """Decode JSON, fractions as exact decimals."""
    return _DECODER.decode(data)


def object_in(payload: bytes) -> dict[str, Any] | None:
    """Return the JSON object in a payload from outside, strictly read; None for anything else."""
    try:
        value = guard.parse(payload)
    except guard.NotJsonError:
        return None
    return value if isinstance(value, dict) else None


def spell(version: str, message: Upward) -> tuple[str, dict[str, Any]]:
    """Return action and payload of the OCPP call that carries a message."""
    items = [b64encode(item).decode() for item in message.items]
    if version == "1.6":
        if message.action is not None:
            return message.action, dict(message.payload or {})
        data = to_json({"items": items}).decode()
        return "DataTransfer", {"vendorId": VENDOR, "messageId": MESSAGE_ID, "data": data}
    payload = dict(message.payload or {})
    if items:
        payload["customData"] = {"vendorId": VENDOR, "items": items}
    return message.action or "Heartbeat", payload


def items_in(version: str, payload: Mapping[str, Any]) -> tuple[bytes, ...]:
    """Return the items that an answer or a DataTransfer call from the CSMS carries; anything else is none."""
    carrier: object = payload.get("data") if version == "1.6" or "data" in payload else payload.get("customData")
    if isinstance(carrier, str):
        carrier = object_in(carrier.encode(errors="replace"))
    if not isinstance(carrier, Mapping) or carrier.get("vendorId", VENDOR) != VENDOR:
        return ()
    texts = carrier.get("items")
    return tuple(_decoded(texts[:MAX_ITEMS])) if isinstance(texts, list) else ()


def _decoded(texts: Iterable[object]) -> Iterable[bytes]:
    for text in texts:
        if isinstance(text, str):
            try:
                yield b64decode(text, validate=True)
            except ValueError:
                continue


def central_token(pseudonym: bytes) -> dict[str, str]:
    """Return the idToken that stands for a driver towards the CSMS (2.x): type Central, never the driver's own."""
    return {"idToken": b32encode(pseudonym).decode().rstrip("="), "type": "Central"}


def seen_event(event: Mapping[str, Any], charge: Charge) -> dict[str, Any]:
    """Return what the CSMS may see of a TransactionEvent whose content is sealed: no values, costs, texts or tokens."""
    seen = {key: value for key, value in event.items() if key in _EVENT_FIELDS}
    if isinstance(seen.get("evse"), Mapping):
        seen["evse"] = {key: value for key, value in seen["evse"].items() if key in {"id", "connectorId"}}
    info = event["transactionInfo"]
    seen["transactionInfo"] = {key: value for key, value in info.items() if key in _TRANSACTION_FIELDS}
    granted = charge.permit.granted if charge.permit is not None else None
    if "idToken" in event and granted is not None:
        seen["idToken"] = central_token(granted.auth_id)
    return seen
