"""How a signed command travels: in `customData` of its call (2.x), in a DataTransfer ahead of it (1.6).

2.x: `"customData": {"vendorId": "wattseal", "command": base64}`. 1.6: DataTransfer {vendorId "wattseal", messageId
"command", data = the JSON text `{"command": base64}`}, answered before the call follows.
"""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from wattseal.base.canonical import canonical
from wattseal.crypto.hashes import sha256
from wattseal.wire.ocpp import guard
from wattseal.wire.ocpp.message import VENDOR
from wattseal.wire.ocpp.values import ENCODER

COMMAND = "command"
CUSTOM = "customData"
MAX_STATEMENT = 1024
"""Bytes; a longer one is none."""


def payload_hash(payload: Mapping[str, Any]) -> bytes:
    """Return what a signed command says of a call's payload: its `customData` is not part of it."""
    return sha256(canonical({name: value for name, value in payload.items() if name != CUSTOM}))


def with_command(payload: Mapping[str, Any], statement: bytes) -> bytes:
    """Return a 2.x payload with the signed command that it goes with, in the place of any `customData`."""
    return ENCODER.encode({**payload, CUSTOM: custom_command(statement)})


def custom_command(statement: bytes) -> dict[str, str]:
    """Return the `customData` that carries a signed command."""
    return {"vendorId": VENDOR, COMMAND: b64encode(statement).decode()}


def answer_to(action: str, about: object) -> str:
    """Return how a signed answer names what it answers, in the place of a command's action."""
    return f"{action} {about}"


def announcement(statement: bytes) -> tuple[str, bytes]:
    """Return the 1.6 call, action and payload, that goes ahead of a command's own."""
    data = ENCODER.encode({COMMAND: b64encode(statement).decode()}).decode()
    return "DataTransfer", ENCODER.encode({"vendorId": VENDOR, "messageId": COMMAND, "data": data})


def command_beside(payload: Mapping[str, Any]) -> bytes | None:
    """Return the signed command beside a 2.x payload, unchecked; None where there is none."""
    return _statement(payload.get(CUSTOM))


def announced(payload: Mapping[str, Any]) -> bytes | None:
    """Return the signed command in a 1.6 DataTransfer's payload, unchecked; None where it is none of these."""
    data = payload.get("data")
    if payload.get("vendorId") != VENDOR or payload.get("messageId") != COMMAND or not isinstance(data, str):
        return None
    try:
        told = guard.parse(data.encode(errors="replace"))
    except guard.NotJsonError:
        return b""
    return _statement({"vendorId": VENDOR, **told} if isinstance(told, dict) else None) or b""


def _statement(carrier: object) -> bytes | None:
    if not isinstance(carrier, Mapping) or carrier.get("vendorId") != VENDOR:
        return None
    text = carrier.get(COMMAND)
    if not isinstance(text, str) or len(text) > 2 * MAX_STATEMENT:
        return None
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
