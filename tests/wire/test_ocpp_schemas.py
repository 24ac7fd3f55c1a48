"""The generated types against an independent validator (jsonschema-rs) over the very same schemas."""

import json
import re
import subprocess
import sys
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.examples import examples
from tests.wire import ocpp_payloads

from wattseal.wire.ocpp import catalog, guard
from wattseal.wire.ocpp.unsupported import UNSUPPORTED
from wattseal.wire.ocpp.values import decoder
from wattseal.wire.ocpp.version import Refusal, Version

ROOT = Path(__file__).parent.parent.parent
SCHEMAS = ocpp_payloads.schemas()


def generated(version: Version, action: str, side: str) -> type[Any]:
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", action).lower()
    folder = ocpp_payloads.FOLDERS[version]
    module = import_module(f"wattseal.wire.ocpp.generated.{folder}.{snake}")
    return getattr(module, side)  # type: ignore[no-any-return] # a generated class, looked up by name


def taken(kind: type[Any], payload: bytes) -> bool:
    return not isinstance(guard.decode(decoder(kind), payload, payload, 0), Refusal)


def test_every_schema_has_a_file_or_a_reason() -> None:
    supported = {(version, message.action) for message in catalog.MESSAGES for version in message.requests}
    listed = {(version, action) for version, actions in UNSUPPORTED.items() for action in actions}
    assert supported | listed == {(version, action) for version, action, _ in SCHEMAS}
    assert not supported & listed
    assert all(reason for actions in UNSUPPORTED.values() for reason in actions.values())


def test_the_generated_types_are_what_the_generator_makes() -> None:
    command = [sys.executable, str(ROOT / "tools/generate_ocpp_types.py"), "--check"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own tool
    assert result.returncode == 0, result.stdout


def test_every_schema_has_a_type() -> None:
    for version, action, side in SCHEMAS:
        assert issubclass(generated(version, action, side), msgspec.Struct)


def explained(value: Any) -> bool:
    """Whether the oracle may be stricter: OCPP 1.6 has draft-04 schemas, for which 16.0 is not an integer."""
    match value:
        case dict():
            return any(explained(child) for child in value.values())
        case list():
            return any(explained(child) for child in value)
        case _:
            return isinstance(value, float) and value == int(value)


@settings(max_examples=examples(400), suppress_health_check=[HealthCheck.data_too_large])
@given(st.data())
def test_types_and_schemas_agree_on_what_is_valid(data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(sorted(SCHEMAS)))
    schema = SCHEMAS[key]
    payload = data.draw(ocpp_payloads.payloads(schema))
    oracle = jsonschema_rs.validator_for(schema, validate_formats=True).is_valid(payload)
    ours = taken(generated(*key), json.dumps(payload).encode())
    if ours and not oracle and key[0] is Version.V16 and explained(payload):
        return
    assert ours == oracle, f"{key}: ours {ours}, schema {oracle}"


HEARTBEAT = decoder(generated(Version.V16, "Heartbeat", "Request"))
STOP = generated(Version.V16, "StopTransaction", "Request")
GOOD_STOP = {"transactionId": 7, "meterStop": 1500, "timestamp": "2024-05-01T10:00:00Z"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, None),
        ({"meterStop": 1500.0}, None),
        ({"meterStop": -5}, None),
        ({"meterStop": "1500"}, "TypeConstraintViolation"),
        ({"meterStop": 1500.5}, "TypeConstraintViolation"),
        ({"meterStop": None}, "TypeConstraintViolation"),
        ({"meterStop": True}, "TypeConstraintViolation"),
        ({"meterStop": 2**53}, "PropertyConstraintViolation"),
        ({"meterStop": 10**39}, "PropertyConstraintViolation"),
        ({"meterStop": 10**50}, "FormationViolation"),
        ({"idTag": "x" * 21}, "PropertyConstraintViolation"),
        ({"reason": "Boredom"}, "PropertyConstraintViolation"),
        ({"timestamp": "not a date"}, "PropertyConstraintViolation"),
        ({"timestamp": "2024-05-01T10:00:00"}, None),
        ({"extra": 1}, "FormationViolation"),
        ({"transactionData": {}}, "TypeConstraintViolation"),
        ({"transactionData": [{"timestamp": "2024-05-01T10:00:00Z"}]}, "OccurenceConstraintViolation"),
        ({"idTag": "a\0b"}, "FormationViolation"),
    ],
)
def test_each_fault_has_its_code(change: dict[str, Any], code: str | None) -> None:
    payload = json.dumps(GOOD_STOP | change).encode()
    result = guard.decode(decoder(STOP), payload, payload, 0)
    told = result.fault.code(Version.V16) if isinstance(result, Refusal) else None
    assert told == code, result


@pytest.mark.parametrize(
    "payload",
    [
        b'{"transactionId":7,"meterStop":1500,"meterStop":900,"timestamp":"2024-05-01T10:00:00Z"}',
        b'{"transactionId":7,"meterStop":1500,"timestamp":"2024-05-01T10:00:00Z","timestamp":"2024-05-01T10:00:00Z"}',
        rb'{"transactionId":7,"meterStop":1500,"meter\u0053top":900,"timestamp":"2024-05-01T10:00:00Z"}',
        rb'{"transactionId":7,"idTag":"\u0022\u0022","idTag":"a","meterStop":1,"timestamp":"2024-05-01T10:00:00Z"}',
    ],
)
def test_a_key_that_comes_twice_is_refused(payload: bytes) -> None:
    frame = b'[2,"1","StopTransaction",' + payload + b"]"
    for result in (
        guard.decode(decoder(STOP), payload, payload, 0),
        guard.decode(decoder(STOP), msgspec.Raw(payload), frame, 2),
    ):
        assert isinstance(result, Refusal)
        assert result.text == "a key comes twice in one object"
    assert decoder(STOP).decode(payload), "negative control: the decoder alone takes the last one"


@pytest.mark.parametrize("payload", [b"{}", b" { } "])
def test_what_holds_no_string_holds_no_key_and_is_taken(payload: bytes) -> None:
    kind = generated(Version.V201, "Heartbeat", "Request")
    assert guard.decode(decoder(kind), payload, b'[2,"1","Heartbeat",' + payload + b"]", 2) == kind()
    assert isinstance(guard.decode(decoder(STOP), payload, payload, 0), Refusal)


def test_a_key_twice_in_custom_data_is_refused() -> None:
    kind = generated(Version.V201, "Heartbeat", "Request")
    assert not taken(kind, b'{"customData":{"vendorId":"x","a":{"b":1,"b":2}}}')
    assert taken(kind, b'{"customData":{"vendorId":"x","a":{"b":1,"c":2}}}')


def test_vendor_keys_keep_spelling_nesting_and_digits() -> None:
    kind = generated(Version.V201, "Heartbeat", "Request")
    payload = b'{"customData":{"vendorId":"x","limit_L2":1.50,"deep":[{"k":12345678901234567890}]}}'
    result = guard.decode(decoder(kind), payload, payload, 0)
    assert not isinstance(result, Refusal)
    assert result.customData == {
        "vendorId": "x",
        "limit_L2": Decimal("1.50"),
        "deep": [{"k": 12345678901234567890}],
    }
    assert str(result.customData["limit_L2"]) == "1.50"
    assert not taken(kind, b'{"customData":{"a":1}}'), "vendorId is required"


def test_open_content_nests_only_so_deep() -> None:
    kind = generated(Version.V201, "DataTransfer", "Request")
    assert taken(kind, b'{"vendorId":"x","data":' + b"[" * 32 + b"]" * 32 + b"}")
    assert not taken(kind, b'{"vendorId":"x","data":' + b"[" * 33 + b"]" * 33 + b"}")
    assert not taken(kind, b'{"vendorId":"x","data":' + b"[" * 50_000 + b"]" * 50_000 + b"}")


def test_a_number_written_as_a_string_is_no_number() -> None:
    kind = generated(Version.V201, "MeterValues", "Request")
    sample = '{"evseId":1,"meterValue":[{"timestamp":"2024-05-01T10:00:00Z","sampledValue":[{"value":%s}]}]}'
    assert taken(kind, (sample % "1.50").encode())
    assert not taken(kind, (sample % '"1.50"').encode())
    assert not taken(kind, (sample % '"NaN"').encode())


def test_descriptions_repeat_no_value_that_was_sent() -> None:
    payload = json.dumps(GOOD_STOP | {"reason": "secret'; DROP\n"}).encode()
    result = guard.decode(decoder(STOP), payload, payload, 0)
    assert isinstance(result, Refusal)
    assert result.text == "Invalid enum value - at `$.reason`"
