"""Golden frames become facts: numbers stay exact, and what is odd is told and not refused."""

import base64
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import jsonschema_rs
import pytest
from tests.wire import ocpp_payloads

from wattseal.base.ids import EvseId, TransactionId
from wattseal.model.facts import (
    MeterReported,
    StatusReported,
    TransactionEnded,
    TransactionStarted,
)
from wattseal.model.message import Answer, Fact
from wattseal.model.metering import ENERGY_IMPORT_REGISTER, RawEvidence, Reading
from wattseal.model.token import IdToken
from wattseal.model.verdict import Finding
from wattseal.wire.ocpp import catalog, evidence
from wattseal.wire.ocpp.message import Lifted
from wattseal.wire.ocpp.rpc import Call, CallResult, Connection
from wattseal.wire.ocpp.version import Fault, Refusal, Version

NOW = datetime(2024, 5, 1, 10, 0, tzinfo=UTC)
AT = "2024-05-01T10:00:00Z"
V16, V201, V21 = Version
OCMF = b'OCMF|{"FV":"1.0","GI":"x"}|{"SD":"3045"}'
DER = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")


def call(version: Version, action: str, payload: Any) -> Call:
    event = Connection(version).receive(json.dumps([2, "1", action, payload]).encode(), NOW)
    assert isinstance(event, Call)
    return event


def lifted(version: Version, action: str, payload: Any) -> Lifted:
    result = catalog.lift(version, call(version, action, payload))
    assert isinstance(result, Lifted), result
    return result


def there(version: Version, fact: Fact) -> Lifted:
    """Return what a CSMS understands of a fact that a station tells."""
    action, payload = catalog.ask(version, fact)
    return lifted(version, action, json.loads(payload))


def back(version: Version, action: str, answer: Answer) -> Answer:
    """Return what a station understands of a CSMS's answer."""
    payload = catalog.lower(version, action, answer)
    schema = ocpp_payloads.schemas()[version, action, "Response"]
    jsonschema_rs.validator_for(schema, validate_formats=True).validate(json.loads(payload))
    station = Connection(version)
    station.call("1", action, b"{}")
    result = station.receive(b'[3,"1",' + payload + b"]", NOW)
    assert isinstance(result, CallResult)
    heard = catalog.hear(version, result)
    assert not isinstance(heard, Refusal), heard
    return heard


def test_a_16_charge_lifts_to_facts() -> None:
    start = {"connectorId": 1, "idTag": "04AABB", "meterStart": 1000, "timestamp": AT}
    assert lifted(V16, "StartTransaction", start) == Lifted(
        TransactionStarted(EvseId(1), NOW, id_token=IdToken("04AABB", "ISO14443"), register_wh=Decimal(1000))
    )
    sample = {"value": "1.50", "unit": "kWh", "measurand": "Energy.Active.Import.Register", "context": "Sample.Clock"}
    meter = {"connectorId": 1, "transactionId": 7, "meterValue": [{"timestamp": AT, "sampledValue": [sample]}]}
    reading = Reading(NOW, ENERGY_IMPORT_REGISTER, Decimal("1.50E+3"), "Wh", "Sample.Clock")
    assert lifted(V16, "MeterValues", meter).fact == MeterReported(EvseId(1), (reading,), TransactionId("7"))
    stop = {"transactionId": 7, "meterStop": 2500, "timestamp": AT, "reason": "EVDisconnected"}
    assert lifted(V16, "StopTransaction", stop).fact == TransactionEnded(
        TransactionId("7"), NOW, Decimal(2500), "EVDisconnected"
    )


@pytest.mark.parametrize("version", [V201, V21])
def test_a_2x_charge_lifts_to_facts(version: Version) -> None:
    def samples(begin: str, end: str) -> list[Any]:
        return [
            {"timestamp": AT, "sampledValue": [{"value": json.loads(begin), "context": "Transaction.Begin"}]},
            {
                "timestamp": AT,
                "sampledValue": [
                    {
                        "value": json.loads(end),
                        "context": "Transaction.End",
                        "unitOfMeasure": {"unit": "kWh", "multiplier": -1},
                    }
                ],
            },
        ]

    event = {
        "eventType": "Ended",
        "timestamp": AT,
        "triggerReason": "EVDeparted",
        "seqNo": 4,
        "transactionInfo": {"transactionId": "T1", "stoppedReason": "EVDisconnected"},
        "evse": {"id": 2, "connectorId": 1},
        "idToken": {"idToken": "04AABB", "type": "ISO14443"},
        "meterValue": samples("1000", "25"),
    }
    fact = lifted(version, "TransactionEvent", event).fact
    assert isinstance(fact, TransactionEnded)
    assert (fact.transaction_id, fact.evse_id, fact.seq_no, fact.reason) == ("T1", 2, 4, "EVDisconnected")
    assert fact.register_wh == Decimal(2500)
    started = lifted(version, "TransactionEvent", event | {"eventType": "Started"}).fact
    assert isinstance(started, TransactionStarted)
    assert (started.register_wh, started.connector_id) == (Decimal(1000), 1)


def test_numbers_stay_exact() -> None:
    raw = b'[2,"1","MeterValues",{"evseId":1,"meterValue":[{"timestamp":"%b","sampledValue":[{"value":0.1000}]}]}]'
    event = Connection(V201).receive(raw % AT.encode(), NOW)
    assert isinstance(event, Call)
    result = catalog.lift(V201, event)
    assert isinstance(result, Lifted)
    assert isinstance(result.fact, MeterReported)
    assert str(result.fact.readings[0].value) == "0.1000"


@pytest.mark.parametrize("transaction", [-1, 0, 7])
@pytest.mark.parametrize("register", [-5, 0, 10**12])
def test_a_parseable_stop_is_never_refused(transaction: int, register: int) -> None:
    fact = lifted(V16, "StopTransaction", {"transactionId": transaction, "meterStop": register, "timestamp": AT}).fact
    assert isinstance(fact, TransactionEnded)
    assert (fact.transaction_id, fact.register_wh, fact.reason) == (str(transaction), Decimal(register), "Local")


def test_a_time_without_zone_is_utc_and_told() -> None:
    stop = {"transactionId": 7, "meterStop": 1, "timestamp": "2024-05-01T10:00:00"}
    assert lifted(V16, "StopTransaction", stop) == Lifted(
        TransactionEnded(TransactionId("7"), NOW, Decimal(1), "Local"),
        (Finding("timestamp_without_zone", "timestamp"),),
    )
    stop["timestamp"] = "2024-05-01T12:00:00+02:00"
    assert lifted(V16, "StopTransaction", stop).fact.at == NOW
    stop["timestamp"] = "0001-01-01T00:00:00+10:00"
    assert lifted(V16, "StopTransaction", stop).findings == (Finding("timestamp_out_of_range", "timestamp"),)


@pytest.mark.parametrize(
    ("text", "wh", "finding"),
    [
        ("12.50", Decimal("12.50"), None),
        ("-3", Decimal(-3), None),
        ("1e3", Decimal(1000), None),
        ("12,5", None, "value_not_numeric"),
        ("NaN", None, "value_not_numeric"),
        ("Infinity", None, "value_not_numeric"),
        ("1_000", None, "value_not_numeric"),
        ("\u0661", None, "value_not_numeric"),
        ("", None, "value_not_numeric"),
        ("9" * 100_000, None, "value_not_numeric"),
        ("1e99", None, "value_out_of_range"),
        ("1.234567890123456789012345678", None, "value_out_of_range"),
    ],
)
def test_a_16_value_is_a_number_or_none_with_a_finding(text: str, wh: Decimal | None, finding: str | None) -> None:
    result = lifted(
        V16, "MeterValues", {"connectorId": 1, "meterValue": [{"timestamp": AT, "sampledValue": [{"value": text}]}]}
    )
    assert isinstance(result.fact, MeterReported)
    assert result.fact.readings[0].value == wh
    assert [f.code for f in result.findings] == ([finding] if finding else [])


@pytest.mark.parametrize("number", ["1e999999999", "-1e400", "1" * 39])
def test_an_absurd_2x_number_is_no_reading(number: str) -> None:
    values = f'[{{"timestamp":"{AT}","sampledValue":[{{"value":{number}}}]}}]'
    raw = f'[2,"1","MeterValues",{{"evseId":1,"meterValue":{values}}}]'
    event = Connection(V201).receive(raw.encode(), NOW)
    assert isinstance(event, Call)
    result = catalog.lift(V201, event)
    assert isinstance(result, Lifted)
    assert isinstance(result.fact, MeterReported)
    assert result.fact.readings[0].value is None
    assert result.findings == (Finding("value_out_of_range", "sampledValue.value"),)


def test_16_statuses_keep_their_own_word() -> None:
    status = {"connectorId": 1, "errorCode": "NoError", "status": "SuspendedEV", "timestamp": AT}
    fact = lifted(V16, "StatusNotification", status).fact
    assert fact == StatusReported(EvseId(1), 1, "Occupied", NOW, "SuspendedEV", "NoError")
    assert there(V16, fact).fact == fact


@pytest.mark.parametrize("evse", [-1, 10_000, 2**40])
def test_an_evse_number_out_of_range_is_refused(evse: int) -> None:
    start = call(V16, "StartTransaction", {"connectorId": evse, "idTag": "A", "meterStart": 1, "timestamp": AT})
    result = catalog.lift(V16, start)
    assert isinstance(result, Refusal)
    assert result.fault is Fault.VALUE


def test_unknown_and_unsupported_actions_are_told_apart() -> None:
    unknown, known = catalog.lift(V16, call(V16, "Fly", {})), catalog.lift(V16, call(V16, "GetDiagnostics", {}))
    assert isinstance(unknown, Refusal)
    assert isinstance(known, Refusal)
    assert (unknown.fault.code(V16), known.fault.code(V16)) == ("NotImplemented", "NotSupported")
    other = catalog.lift(V201, call(V201, "StartTransaction", {}))
    assert isinstance(other, Refusal)
    assert other.fault is Fault.UNKNOWN_ACTION


KEY_TEXT = base64.b64encode(b"oca:base16:asn1:" + DER.hex().encode()).decode()


@pytest.mark.parametrize(
    "value",
    [
        json.dumps(
            {
                "signedMeterData": base64.b64encode(OCMF).decode(),
                "signingMethod": "",
                "encodingMethod": "OCMF",
                "publicKey": KEY_TEXT,
            }
        ),
        OCMF.decode(),
        OCMF.hex(),
        OCMF.hex().upper(),
        base64.b64encode(OCMF).decode(),
    ],
)
def test_signed_data_in_16_gives_the_bytes_that_were_signed(value: str) -> None:
    sample = {"value": value, "format": "SignedData", "context": "Transaction.End"}
    stop = {
        "transactionId": 7,
        "meterStop": 1,
        "timestamp": AT,
        "transactionData": [{"timestamp": AT, "sampledValue": [sample]}],
    }
    result = lifted(V16, "StopTransaction", stop)
    assert isinstance(result.fact, TransactionEnded)
    (reading,) = result.fact.readings
    assert reading.value is None
    assert reading.evidence == RawEvidence("OCMF", OCMF, DER if value.startswith("{") else None)
    assert result.findings == ()


@pytest.mark.parametrize(
    ("text", "der"),
    [
        (KEY_TEXT, DER),
        ("oca:base16:asn1:" + DER.hex(), DER),
        ("oca:base16:asn1:0x" + DER.hex(":"), DER),
        ("oca:base64:asn1:" + base64.b64encode(DER).decode(), DER),
        (DER.hex(), DER),
        (base64.b64encode(DER).decode(), DER),
        ("%%%", None),
        ("oca:base16:asn1:zz", None),
    ],
)
def test_a_public_key_is_read_in_every_spelling(text: str, der: bytes | None) -> None:
    assert evidence.read_key(text) == der


def test_signed_values_of_unknown_make_are_kept_as_they_came() -> None:
    told: list[Finding] = []
    raw = evidence.lift_16('{"signedMeterData":"%%%","encodingMethod":"EDL","publicKey":"%%%"}', told)
    assert raw == RawEvidence("EDL", b"%%%")
    assert [f.code for f in told] == ["public_key_unreadable"]
    told.clear()
    assert evidence.lift_16('{"signedMeterData":', told).data == b'{"signedMeterData":'
    assert [f.code for f in told] == ["signed_value_unreadable"]
