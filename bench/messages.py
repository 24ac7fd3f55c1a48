"""One OCPP 1.6 transaction as a station sends it, and a sample of every request the `ocpp` package has a schema of."""

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

METER_VALUES = 10
HEARTBEATS = 3
MESSAGES_EACH = METER_VALUES + HEARTBEATS + 2
TIME = "2026-01-15T10:%02d:00Z"
FOLDERS = {"1.6": "v16", "2.0.1": "v201", "2.1": "v21"}

_SAMPLES = (
    ("Power.Active.Import", None, "W", "7204.5"),
    ("Current.Import", "L1", "A", "10.41"),
    ("Voltage", "L1-N", "V", "230.4"),
)


def meter_values(transaction_id: int, register_wh: int, minute: int, connector: int = 1) -> dict[str, Any]:
    """Return a MeterValues request; about 499 bytes as a frame."""
    sampled = [
        {
            "value": str(register_wh),
            "context": "Sample.Periodic",
            "measurand": "Energy.Active.Import.Register",
            "unit": "Wh",
        }
    ]
    for measurand, phase, unit, value in _SAMPLES:
        sample = {"value": value, "measurand": measurand, "unit": unit} | ({"phase": phase} if phase else {})
        sampled.append(sample | ({"context": "Sample.Periodic"} if phase is None else {}))
    return {
        "connectorId": connector,
        "transactionId": transaction_id,
        "meterValue": [{"timestamp": TIME % minute, "sampledValue": sampled}],
    }


def start_transaction(start_wh: int, id_tag: str = "BENCH-TOKEN") -> dict[str, Any]:
    return {"connectorId": 1, "idTag": id_tag, "meterStart": start_wh, "timestamp": TIME % 0}


def stop_transaction(transaction_id: int, stop_wh: int) -> dict[str, Any]:
    return {
        "transactionId": transaction_id,
        "meterStop": stop_wh,
        "timestamp": TIME % (METER_VALUES + 1),
        "reason": "EVDisconnected",
    }


def transaction_event(kind: str, transaction_id: str, seq_no: int, register_wh: int, at: str) -> dict[str, Any]:
    """Return a TransactionEvent request (2.0.1) that tells as much as the 1.6 message in its place."""
    context = {"Started": "Transaction.Begin", "Ended": "Transaction.End"}.get(kind, "Sample.Periodic")
    energy = {"value": register_wh, "measurand": "Energy.Active.Import.Register", "unitOfMeasure": {"unit": "Wh"}}
    sampled = [energy | {"context": context}]
    if kind == "Updated":
        for measurand, phase, unit, value in _SAMPLES:
            sample = {"value": float(value), "measurand": measurand, "unitOfMeasure": {"unit": unit}}
            sampled.append(sample | ({"phase": phase} if phase else {"context": context}))
    info: dict[str, Any] = {"transactionId": transaction_id}
    told: dict[str, Any] = {
        "eventType": kind,
        "timestamp": at,
        "triggerReason": {"Started": "Authorized", "Ended": "EVDeparted"}.get(kind, "MeterValuePeriodic"),
        "seqNo": seq_no,
        "transactionInfo": info | ({"stoppedReason": "EVDisconnected"} if kind == "Ended" else {}),
        "meterValue": [{"timestamp": at, "sampledValue": sampled}],
    }
    if kind == "Started":
        told |= {"evse": {"id": 1, "connectorId": 1}, "idToken": {"idToken": "BENCH-TOKEN", "type": "ISO14443"}}
    return told


def frame(message_id: str, action: str, payload: dict[str, Any]) -> bytes:
    """Return a CALL as a station writes it."""
    return json.dumps([2, message_id, action, payload], separators=(",", ":")).encode()


def requests_of_a_charge(version: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the messages that make up most of what a CSMS receives."""
    if version == "1.6":
        yield "StartTransaction", start_transaction(1000)
        yield "MeterValues", meter_values(4711, 1500, 5)
        yield "StopTransaction", stop_transaction(4711, 6000)
        yield "Heartbeat", {}
        return
    value = {
        "timestamp": TIME % 5,
        "sampledValue": [
            {
                "value": 1500,
                "measurand": "Energy.Active.Import.Register",
                "context": "Sample.Periodic",
                "unitOfMeasure": {"unit": "Wh"},
            },
            *(
                {"value": float(v), "measurand": m, "context": "Sample.Periodic"} | ({"phase": p} if p else {})
                for m, p, _, v in _SAMPLES
            ),
        ],
    }
    yield (
        "TransactionEvent",
        {
            "eventType": "Updated",
            "timestamp": TIME % 5,
            "triggerReason": "MeterValuePeriodic",
            "seqNo": 3,
            "transactionInfo": {"transactionId": "3f0c2a5e-7d41-4f0b-9a55-0d8c1f6b2e77", "chargingState": "Charging"},
            "evse": {"id": 1, "connectorId": 1},
            "meterValue": [value],
        },
    )
    yield "Heartbeat", {}


@cache
def request_schemas(version: str) -> dict[str, dict[str, Any]]:
    """Return the request schemas of the `ocpp` package by action."""
    found = {}
    for file in (files("ocpp") / FOLDERS[version] / "schemas").iterdir():
        name = file.name.removesuffix(".json")
        if file.name.endswith(".json") and not name.endswith("Response"):
            found[name.removesuffix("Request")] = json.loads(file.read_text("utf-8-sig"))
    return found


def sample(schema: dict[str, Any]) -> Any:
    """Return a payload with every property the schema knows, customData aside."""
    return _sample(schema, schema.get("definitions", {}), 6)


def _sample(schema: dict[str, Any], definitions: dict[str, Any], depth: int) -> Any:
    if "$ref" in schema:
        schema = definitions[schema["$ref"].removeprefix("#/definitions/")]
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            names = schema.get("properties", {}).keys() - {"customData"} if depth else schema.get("required", ())
            return {name: _sample(schema["properties"][name], definitions, max(depth - 1, 0)) for name in sorted(names)}
        case "array":
            return [_sample(schema["items"], definitions, depth)] * max(1, schema.get("minItems", 1))
        case "integer":
            return max(1, schema.get("minimum", 1))
        case "number":
            return max(1.5, schema.get("minimum", 1.5))
        case "boolean":
            return True
        case _:
            text = {"date-time": TIME % 0, "uri": "http://localhost/x"}.get(schema.get("format", ""), "abcdefghijkl")
            return text[: schema.get("maxLength", 99)] if "format" not in schema else text
