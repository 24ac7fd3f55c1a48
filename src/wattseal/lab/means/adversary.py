"""What a man in the middle does to frames: pure functions from a frame to the frame he would rather send on."""

import base64
import binascii
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from wattseal.base.errors import InputError
from wattseal.lab.means.tap import Alter
from wattseal.seal.item import Group, Item, Kind, parse_item

REGISTER = "Energy.Active.Import.Register"


def lower_stop(by_wh: int) -> Alter:
    """Return the plan to lower the stop register in plain OCPP, signed text included: the signature he cannot make."""

    def alter(frame: str) -> str | None:
        call = _call(frame)
        if call is None:
            return None
        action, payload = call[2], call[3]
        if action == "StopTransaction":
            payload["meterStop"] = int(payload["meterStop"]) - by_wh
            for value in payload.get("transactionData", []):
                _lower_samples(value, by_wh)
        elif action == "TransactionEvent" and payload.get("eventType") == "Ended":
            for value in payload.get("meterValue", []):
                _lower_samples(value, by_wh)
        else:
            return None
        return _dump(call)

    return alter


def spoil_sealed_stop(position: int) -> Alter:
    """Return the plan to alter the sealed stop record: its meter box is unreadable to him, so he flips one byte."""

    def alter(frame: str) -> str | None:
        call = _call(frame)
        if call is None:
            return None
        changed = _in_carriers(call[3], lambda data: _spoil(data, position))
        return _dump(call) if changed else None

    return alter


def _call(frame: str) -> Any:
    try:
        message = json.loads(frame, parse_float=Decimal)
    except ValueError:
        return None
    return message if isinstance(message, list) and len(message) == 4 and message[0] == 2 else None


def _dump(message: Any) -> str:
    return json.dumps(message, default=float, separators=(",", ":"))


def _lower_samples(meter_value: Any, by_wh: int) -> None:
    for sample in meter_value.get("sampledValue", []):
        signed = sample.get("signedMeterValue")
        if isinstance(signed, dict):
            signed["signedMeterData"] = lower_signed_text(signed["signedMeterData"], by_wh)
        if sample.get("format") == "SignedData":
            sample["value"] = lower_signed_text(sample["value"], by_wh)
        elif sample.get("measurand", REGISTER) == REGISTER and not sample.get("phase"):
            scale = 1000 if _unit(sample) == "kWh" else 1
            lowered = Decimal(str(sample["value"])) - Decimal(by_wh) / scale
            sample["value"] = str(lowered) if isinstance(sample["value"], str) else lowered


def _unit(sample: Any) -> str:
    unit = sample.get("unitOfMeasure", {}).get("unit") or sample.get("unit")
    return unit if isinstance(unit, str) else "Wh"


def lower_signed_text(text: str, by_wh: int) -> str:
    """Lower the end reading inside OCMF, whether carried as text, base64 or JSON around it."""
    if text.startswith("{"):
        wrapped = json.loads(text)
        wrapped["signedMeterData"] = lower_signed_text(wrapped["signedMeterData"], by_wh)
        return json.dumps(wrapped)
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if raw.startswith(b"OCMF|"):
        return base64.b64encode(_lower_ocmf(raw.decode(), by_wh).encode()).decode()
    return _lower_ocmf(text, by_wh) if text.startswith("OCMF|") else text


def _lower_ocmf(text: str, by_wh: int) -> str:
    header, payload, signature = text.split("|", 2)
    fields = json.loads(payload, parse_float=Decimal)
    last = fields["RD"][-1]
    scale = 1000 if fields["RD"][0].get("RU", last.get("RU")) == "kWh" else 1
    last["RV"] = Decimal(str(last["RV"])) - Decimal(by_wh) / scale
    return "|".join((header, json.dumps(fields, default=float, separators=(",", ":")), signature))


def _in_carriers(payload: Any, change: Callable[[bytes], bytes | None]) -> bool:
    """Apply `change` to each wattseal item in a call's payload; return whether one was changed."""
    changed = False
    custom = payload.get("customData")
    if isinstance(custom, dict) and isinstance(custom.get("items"), list):
        changed = _change_list(custom["items"], change)
    if payload.get("vendorId") == "wattseal" and isinstance(payload.get("data"), str):
        data = json.loads(payload["data"])
        if isinstance(data.get("items"), list) and _change_list(data["items"], change):
            payload["data"] = json.dumps(data, separators=(",", ":"))
            changed = True
    return changed


def carried_items(frame: str) -> list[bytes]:
    """Return the wattseal items that a call carries, encoded."""
    call, found = _call(frame), []

    def look(data: bytes) -> None:
        found.append(data)

    if call is not None:
        _in_carriers(call[3], look)
    return found


def _change_list(items: list[Any], change: Callable[[bytes], bytes | None]) -> bool:
    changed = False
    for index, text in enumerate(items):
        new = change(base64.b64decode(text))
        if new is not None:
            items[index] = base64.b64encode(new).decode()
            changed = True
    return changed


def _spoil(data: bytes, position: int) -> bytes | None:
    try:
        item = parse_item(data)
    except InputError:
        return None
    if item.payload.kind != Kind.ENDED or Group.METER not in item.boxes:
        return None
    box = item.boxes[Group.METER]
    parts = list(box) if isinstance(box, list) else [box]
    ciphertext = bytearray(parts[0])
    ciphertext[position % len(ciphertext)] ^= 0x01
    parts[0] = bytes(ciphertext)
    spoilt: Any = parts if isinstance(box, list) else parts[0]
    boxes = {**item.boxes, Group.METER: spoilt}
    return Item(item.payload, item.payload_bytes, item.signature, boxes).encode()
