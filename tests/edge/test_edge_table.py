"""The default-deny table of the edge, against every schema there is."""

import base64
import json
from importlib.resources import files
from pathlib import Path

import pytest
from tests.support.pki import Ca

from wattseal.rules.edge_table import TABLE, Direction, Guard, Treatment, answer_up, lets_down, lift_up, row

FOLDERS = {"1.6": "v16", "2.0.1": "v201", "2.1": "v21"}


def schemas(version: str) -> dict[str, dict[str, object]]:
    folder = files("ocpp") / FOLDERS[version] / "schemas"
    return {f.name.removesuffix(".json"): json.loads(f.read_text(encoding="utf-8-sig")) for f in folder.iterdir()}


def actions(version: str) -> set[str]:
    return {name.removesuffix("Request") for name in schemas(version) if not name.endswith("Response")}


@pytest.mark.parametrize("version", sorted(FOLDERS))
def test_every_action_of_every_schema_has_a_row_and_no_row_is_invented(version: str) -> None:
    listed = set(TABLE[version][Direction.UP]) | set(TABLE[version][Direction.DOWN])
    assert listed == actions(version)


@pytest.mark.parametrize("version", sorted(FOLDERS))
@pytest.mark.parametrize("direction", list(Direction))
def test_what_is_not_listed_is_blocked(version: str, direction: Direction) -> None:
    assert row(version, direction, "SomethingNew").treatment is Treatment.BLOCK
    assert row(version, Direction.UP, "GetDiagnostics").treatment is Treatment.BLOCK


@pytest.mark.parametrize("version", sorted(FOLDERS))
def test_answers_to_blocked_messages_are_valid_so_that_the_sender_notices_nothing(version: str) -> None:
    jsonschema_rs = pytest.importorskip("jsonschema_rs")
    known = schemas(version)
    answered = 0
    for direction in Direction:
        for action, line in TABLE[version][direction].items():
            schema = known.get(f"{action}Response")
            if line.answer is not None and schema is not None:
                jsonschema_rs.validator_for(schema).validate(dict(line.answer))
                answered += 1
    assert answered >= 3


@pytest.mark.parametrize("version", sorted(FOLDERS))
def test_no_message_that_carries_a_token_or_a_meter_value_passes_up(version: str) -> None:
    telling = {"idToken", "idTag", "meterValue", "meterStart", "meterStop", "signedMeterData", "actualValue"}
    known = schemas(version)
    for action, line in TABLE[version][Direction.UP].items():
        schema = known.get(action) or known[f"{action}Request"]
        if line.treatment is Treatment.PASS:
            properties = names_of(schema) - line.drop
            assert not telling & properties, action


def test_negative_control_the_messages_of_a_charge_do_carry_them() -> None:
    assert "meterStop" in names_of(schemas("1.6")["StopTransaction"])
    assert "idToken" in names_of(schemas("2.0.1")["TransactionEventRequest"])


def names_of(schema: object) -> set[str]:
    if isinstance(schema, dict):
        own = set(schema["properties"]) if isinstance(schema.get("properties"), dict) else set()
        return own.union(*(names_of(value) for value in schema.values()))
    return set().union(*(names_of(value) for value in schema)) if isinstance(schema, list) else set()


def test_status_text_of_a_vendor_does_not_go_up() -> None:
    status = {"connectorId": 1, "status": "Charging", "errorCode": "NoError", "info": "16000 Wh by 04A2B3"}
    sent = lift_up(row("1.6", Direction.UP, "StatusNotification"), status)
    assert sent == {"connectorId": 1, "status": "Charging", "errorCode": "NoError"}


def test_vendor_extensions_are_dropped_at_any_depth() -> None:
    boot = {"chargingStation": {"model": "m", "vendorName": "v", "customData": {"vendorId": "x"}}, "reason": "PowerUp"}
    sent = lift_up(row("2.0.1", Direction.UP, "BootNotification"), boot)
    assert sent == {"chargingStation": {"model": "m", "vendorName": "v"}, "reason": "PowerUp"}


@pytest.mark.parametrize(
    ("key", "passes"),
    [("HeartbeatInterval", True), ("AuthorizationCacheEnabled", False), ("AuthorizationKey", False), ("X", False)],
)
def test_operator_cannot_configure_away_what_the_edge_relies_on(key: str, *, passes: bool) -> None:
    guard = row("1.6", Direction.DOWN, "ChangeConfiguration").guard
    assert lets_down(guard, {"key": key, "value": "1"}) is passes


def test_operator_cannot_point_the_station_at_another_csms() -> None:
    assert row("2.0.1", Direction.DOWN, "SetNetworkProfile").treatment is Treatment.BLOCK
    asked = [{"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "NetworkConfigurationPriority"}}]
    assert not lets_down(Guard.VARIABLES, {"setVariableData": asked})
    asked = [{"component": {"name": "SampledDataCtrlr"}, "variable": {"name": "TxUpdatedInterval"}}]
    assert lets_down(Guard.VARIABLES, {"getVariableData": asked})


CERTIFICATE = Ca.make().issue("firmware").pem().decode()
SIGNATURE = base64.b64encode(bytes(70)).decode()


@pytest.mark.parametrize(
    "signed",
    [
        {},
        {"signature": SIGNATURE},
        {"signingCertificate": CERTIFICATE},
        {"signature": "", "signingCertificate": CERTIFICATE},
        {"signature": "AAAA", "signingCertificate": CERTIFICATE},
        {"signature": "not base64!" * 9, "signingCertificate": CERTIFICATE},
        {"signature": SIGNATURE, "signingCertificate": ""},
        {"signature": SIGNATURE, "signingCertificate": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"},
    ],
)
def test_unsigned_firmware_does_not_reach_the_station(signed: dict[str, str]) -> None:
    firmware = {"location": "http://127.0.0.1/fw", **signed}
    for version, action in (("1.6", "SignedUpdateFirmware"), ("2.0.1", "UpdateFirmware"), ("2.1", "UpdateFirmware")):
        line = row(version, Direction.DOWN, action)
        assert not lets_down(line.guard, {"firmware": firmware})
        assert line.answer == {"status": "Rejected"}
    assert row("1.6", Direction.DOWN, "UpdateFirmware").treatment is Treatment.BLOCK
    for version in ("2.0.1", "2.1"):
        line = row(version, Direction.DOWN, "PublishFirmware")
        assert (line.treatment, line.answer) == (Treatment.BLOCK, {"status": "Rejected"}), "it cannot be signed"


def test_signed_firmware_reaches_the_station() -> None:
    firmware = {"location": "http://127.0.0.1/fw", "signature": SIGNATURE, "signingCertificate": CERTIFICATE}
    for version, action in (("1.6", "SignedUpdateFirmware"), ("2.0.1", "UpdateFirmware")):
        line = row(version, Direction.DOWN, action)
        assert line.treatment is Treatment.PASS
        assert lets_down(line.guard, {"firmware": firmware})


def test_vendor_configuration_keys_do_not_go_up() -> None:
    answer = {
        "configurationKey": [
            {"key": "HeartbeatInterval", "readonly": False, "value": "300"},
            {"key": "AcmeLastEnergy", "readonly": True, "value": "16000"},
        ],
        "unknownKey": ["Nothing"],
    }
    assert answer_up(Guard.CONFIGURATION_READ, answer) == {
        "configurationKey": [{"key": "HeartbeatInterval", "readonly": False, "value": "300"}],
        "unknownKey": ["Nothing"],
    }


def test_the_specification_shows_the_table_as_it_is() -> None:
    text = (Path(__file__).parents[2] / "docs/spec/edge.md").read_text("utf-8")
    for version, directions in TABLE.items():
        for direction, rows in directions.items():
            for treatment in Treatment:
                names = " ".join(sorted(action for action, line in rows.items() if line.treatment is treatment))
                assert not names or f"| {version} | {direction.value} | {treatment.value} | {names} |" in text
