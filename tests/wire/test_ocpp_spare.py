"""What departs from its schema is read without the parts that do where much hangs on it; other messages are not."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from wattseal.model.facts import MeterReported, TransactionEnded, TransactionUpdated
from wattseal.model.verdict import Finding
from wattseal.wire.ocpp import catalog
from wattseal.wire.ocpp.message import Lifted, Sender
from wattseal.wire.ocpp.rpc import Call, CallResult, Connection
from wattseal.wire.ocpp.spare import MAX_KINDS
from wattseal.wire.ocpp.version import Refusal, Version

DEPARTED = {"schema_departed", "number_told_as_text"}
AT = "2027-01-15T08:00:00Z"
NOW = datetime(2027, 1, 15, 8, tzinfo=UTC)
STOP: dict[str, Any] = {"transactionId": 7, "meterStop": 700, "timestamp": AT}
EVENT: dict[str, Any] = {
    "eventType": "Updated",
    "timestamp": AT,
    "triggerReason": "Trigger",
    "seqNo": 1,
    "transactionInfo": {"transactionId": "t"},
}


def heard(version: Version, action: str, payload: dict[str, Any], sender: Sender = Sender.STATION) -> Lifted | Refusal:
    call = Connection(version).receive(json.dumps([2, "1", action, payload]).encode(), NOW)
    assert isinstance(call, Call)
    return catalog.lift(version, call, sender)


def read(version: Version, action: str, payload: dict[str, Any]) -> tuple[Any, list[tuple[str, str]]]:
    lifted = heard(version, action, payload)
    assert isinstance(lifted, Lifted), lifted
    return lifted.fact, [(one.field, one.detail) for one in lifted.findings if one.code in DEPARTED]


def values(*samples: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"timestamp": AT, "sampledValue": list(samples)}]


def test_a_null_is_what_is_not_there() -> None:
    fact, told = read(Version.V16, "StopTransaction", STOP | {"idTag": None, "reason": None, "transactionData": None})
    assert isinstance(fact, TransactionEnded)
    assert (fact.register_wh, fact.reason, fact.id_token, fact.readings) == (Decimal(700), "Local", None, ())
    assert told == [("idTag", "null"), ("reason", "null"), ("transactionData", "null")]


def test_fields_nobody_knows_say_nothing_at_every_depth() -> None:
    sample = {"value": 5, "vendor": 1, "unitOfMeasure": {"unit": "kWh", "vendor": {"a": [1]}}}
    event = EVENT | {"vendor": 1, "meterValue": values(sample, sample) * 2}
    fact, told = read(Version.V201, "TransactionEvent", event)
    assert isinstance(fact, TransactionUpdated)
    assert [one.value for one in fact.readings] == [Decimal(5000)] * 4
    assert sorted(told) == [
        ("meterValue[].sampledValue[].unitOfMeasure.vendor", "unknown"),
        ("meterValue[].sampledValue[].vendor", "unknown"),
        ("vendor", "unknown"),
    ]


def test_a_sample_that_cannot_be_read_does_not_take_the_others_with_it() -> None:
    odd = {"value": "1", "measurand": "Vendor.Own"}
    good = {"value": "650", "context": "Transaction.End"}
    data = [*values(odd, good), *values(odd)]
    fact, told = read(Version.V16, "StopTransaction", STOP | {"transactionData": data})
    assert [one.value for one in fact.readings] == [650]
    assert told == [("transactionData[].sampledValue[].measurand", "sample")]


@pytest.mark.parametrize(
    ("version", "action", "payload", "value", "why"),
    [
        (Version.V16, "MeterValues", {"connectorId": 1, "meterValue": values({"value": 12.50})}, "12.5", "spelling"),
        (Version.V21, "TransactionEvent", EVENT | {"meterValue": values({"value": "12.50"})}, "12.50", "text"),
    ],
)
def test_a_number_told_as_text_and_a_text_told_as_number_are_read(
    version: Version, action: str, payload: dict[str, Any], value: str, why: str
) -> None:
    fact, told = read(version, action, payload)
    assert [one.value for one in fact.readings] == [Decimal(value)]
    assert told == [("meterValue[].sampledValue[].value", why)]


@pytest.mark.parametrize(
    ("version", "action", "payload"),
    [
        (Version.V16, "StopTransaction", STOP | {"meterStop": None}),
        (Version.V16, "StopTransaction", STOP | {"meterStop": "700"}),
        (Version.V16, "StopTransaction", STOP | {"timestamp": "yesterday"}),
        (Version.V16, "StopTransaction", STOP | {"idTag": "X" * 21}),
        (Version.V16, "MeterValues", {"connectorId": 1, "meterValue": values({"value": "1", "unit": "Foo"})}),
        (Version.V201, "TransactionEvent", EVENT | {"triggerReason": "Whim"}),
        (Version.V201, "TransactionEvent", EVENT | {"meterValue": values({"value": "NaN"})}),
        (Version.V16, "StopTransaction", STOP | {f"v{n}": n for n in range(MAX_KINDS + 1)}),
        (Version.V16, "StopTransaction", STOP | {"back`tick": 1}),
        (Version.V16, "StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Happy"}),
        (Version.V16, "BootNotification", {"chargePointVendor": "V", "chargePointModel": None}),
        (Version.V16, "Heartbeat", {"v": 1}),
        (Version.V16, "Authorize", {"idTag": "CARD", "parentIdTag": None}),
    ],
)
def test_what_a_message_needs_is_not_guessed_and_other_messages_are_held_to_their_schema(
    version: Version, action: str, payload: dict[str, Any]
) -> None:
    assert isinstance(heard(version, action, payload), Refusal)


@pytest.mark.parametrize(
    ("version", "action", "payload"),
    [
        (Version.V16, "BootNotification", {"chargePointVendor": "V", "chargePointModel": "M", "iccid": None, "v": 1}),
        (Version.V21, "BootNotification", {"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": "M"}}),
        (Version.V16, "StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Charging"}),
    ],
)
def test_a_station_boots_and_tells_its_state_whatever_it_adds(
    version: Version, action: str, payload: dict[str, Any]
) -> None:
    _, told = read(version, action, payload | {"info": None, "added": [1]})
    assert ("added", "unknown") in told


def test_an_answer_is_read_without_what_departs_from_its_schema() -> None:
    connection = Connection(Version.V16)
    connection.call("1", "GetConfiguration", b"{}")
    keys = [{"key": "A", "readonly": False, "value": None, "unit": "s"}, {"key": "B", "readonly": True}]
    said = json.dumps([3, "1", {"configurationKey": keys, "unknownKey": None}]).encode()
    result = connection.receive(said, NOW)
    assert isinstance(result, CallResult)
    assert not isinstance(catalog.hear(Version.V16, result), Refusal)
    connection.call("2", "Reset", b'{"type":"Soft"}')
    odd = connection.receive(b'[3,"2",{"status":"Perhaps"}]', NOW)
    assert isinstance(odd, CallResult)
    assert isinstance(catalog.hear(Version.V16, odd), Refusal), "what was answered is not guessed"


def test_nothing_is_let_through_in_the_wrong_direction() -> None:
    assert isinstance(heard(Version.V16, "StopTransaction", STOP | {"v": 1}, Sender.CSMS), Refusal)


def test_a_message_by_its_schema_says_nothing_of_this() -> None:
    lifted = heard(Version.V16, "MeterValues", {"connectorId": 1, "meterValue": values({"value": "1"})})
    assert isinstance(lifted, Lifted)
    assert isinstance(lifted.fact, MeterReported)
    assert Finding("schema_departed", "", "") not in lifted.findings
    assert lifted.findings == ()
