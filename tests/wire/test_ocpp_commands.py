"""Commands: each says the same in every version that has it; what a version cannot say is refused by name."""

import json
from datetime import UTC, datetime
from typing import Any

import jsonschema_rs
import pytest
from tests.wire import ocpp_payloads

from wattseal.base.errors import InputError
from wattseal.base.ids import EvseId, TransactionId
from wattseal.model.message import Answer, Command
from wattseal.model.remote import (
    AvailabilityRequested,
    CacheClearRequested,
    ExtendedTriggerRequested,
    ResetKind,
    ResetRequested,
    Responded,
    StartRequested,
    StartResponded,
    StopRequested,
    TransactionStatusRequested,
    TransactionStatusResponded,
    TriggerRequested,
    UnlockRequested,
)
from wattseal.model.token import IdToken
from wattseal.wire.ocpp import catalog
from wattseal.wire.ocpp.rpc import CallResult, Connection
from wattseal.wire.ocpp.version import Fault, Refusal, Version

V16, V201, V21 = Version
NOW = datetime(2024, 5, 1, 10, 0, tzinfo=UTC)
CARD = IdToken("04AABB", "ISO14443")
GROUP = IdToken("FLEET", "Central")
ONE, TWO = EvseId(1), EvseId(2)
PROFILE_16: dict[str, Any] = {
    "chargingProfileId": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16}]},
}
DEFAULT_16 = PROFILE_16 | {"chargingProfilePurpose": "TxDefaultProfile"}
TOKEN_2 = {"idToken": "A", "type": "Central"}
OUT = AvailabilityRequested(operational=False)
METER = "MeterValues"


def valid(version: Version, action: str, kind: str, payload: Any) -> None:
    schema = ocpp_payloads.schemas()[version, action, kind]
    jsonschema_rs.validator_for(schema, validate_formats=True).validate(payload)


@pytest.mark.parametrize(
    ("version", "command", "action", "payload"),
    [
        (V16, StartRequested(CARD), "RemoteStartTransaction", {"idTag": "04AABB"}),
        (
            V16,
            StartRequested(CARD, evse_id=TWO, profile=PROFILE_16),
            "RemoteStartTransaction",
            {"idTag": "04AABB", "connectorId": 2, "chargingProfile": PROFILE_16},
        ),
        (
            V201,
            StartRequested(CARD, 7, TWO, GROUP),
            "RequestStartTransaction",
            {
                "idToken": {"idToken": "04AABB", "type": "ISO14443"},
                "remoteStartId": 7,
                "evseId": 2,
                "groupIdToken": {"idToken": "FLEET", "type": "Central"},
            },
        ),
        (V16, StopRequested(TransactionId("7")), "RemoteStopTransaction", {"transactionId": 7}),
        (V201, StopRequested(TransactionId("T")), "RequestStopTransaction", {"transactionId": "T"}),
        (V16, ResetRequested(ResetKind.IMMEDIATE), "Reset", {"type": "Soft"}),
        (V16, ResetRequested(ResetKind.HARD), "Reset", {"type": "Hard"}),
        (V201, ResetRequested(ResetKind.IMMEDIATE), "Reset", {"type": "Immediate"}),
        (V201, ResetRequested(ResetKind.ON_IDLE, TWO), "Reset", {"type": "OnIdle", "evseId": 2}),
        (V21, ResetRequested(ResetKind.RESUME), "Reset", {"type": "ImmediateAndResume"}),
        (V16, UnlockRequested(TWO), "UnlockConnector", {"connectorId": 2}),
        (V21, UnlockRequested(TWO, 3), "UnlockConnector", {"evseId": 2, "connectorId": 3}),
        (
            V16,
            AvailabilityRequested(operational=False),
            "ChangeAvailability",
            {"connectorId": 0, "type": "Inoperative"},
        ),
        (V201, AvailabilityRequested(operational=True), "ChangeAvailability", {"operationalStatus": "Operative"}),
        (
            V21,
            AvailabilityRequested(operational=False, evse_id=ONE, connector_id=2),
            "ChangeAvailability",
            {"operationalStatus": "Inoperative", "evse": {"id": 1, "connectorId": 2}},
        ),
        (V16, TriggerRequested("Heartbeat"), "TriggerMessage", {"requestedMessage": "Heartbeat"}),
        (
            V16,
            TriggerRequested("MeterValues", ONE),
            "TriggerMessage",
            {"requestedMessage": "MeterValues", "connectorId": 1},
        ),
        (
            V201,
            TriggerRequested("StatusNotification", ONE, 2),
            "TriggerMessage",
            {"requestedMessage": "StatusNotification", "evse": {"id": 1, "connectorId": 2}},
        ),
        (
            V21,
            TriggerRequested("CustomTrigger", custom="Wash"),
            "TriggerMessage",
            {"requestedMessage": "CustomTrigger", "customTrigger": "Wash"},
        ),
        (
            V16,
            ExtendedTriggerRequested("SignChargingStationCertificate", ONE),
            "ExtendedTriggerMessage",
            {"requestedMessage": "SignChargePointCertificate", "connectorId": 1},
        ),
        (V16, CacheClearRequested(), "ClearCache", {}),
        (V21, CacheClearRequested(), "ClearCache", {}),
        (V201, TransactionStatusRequested(TransactionId("T")), "GetTransactionStatus", {"transactionId": "T"}),
        (V21, TransactionStatusRequested(), "GetTransactionStatus", {}),
    ],
)
def test_a_command_is_spelled_by_its_version_and_understood_again(
    version: Version, command: Command, action: str, payload: dict[str, Any]
) -> None:
    spelled = catalog.ask(version, command)
    assert (spelled[0], json.loads(spelled[1])) == (action, payload)
    valid(version, action, "Request", payload)
    assert catalog.read_command(version, action, spelled[1]) == command


@pytest.mark.parametrize(
    ("version", "command", "subject"),
    [
        (V16, StartRequested(IdToken("x" * 21, "Central"), 1), "id_token"),
        (V201, StartRequested(CARD), "remote_start_id"),
        (V16, StopRequested(TransactionId("not-a-number")), "transaction_id"),
        (V16, ResetRequested(ResetKind.ON_IDLE), "kind"),
        (V16, ResetRequested(ResetKind.IMMEDIATE, ONE), "evse_id"),
        (V201, ResetRequested(ResetKind.RESUME), "kind"),
        (V16, TransactionStatusRequested(), "TransactionStatusRequested"),
        (V201, ExtendedTriggerRequested("Heartbeat"), "ExtendedTriggerRequested"),
        (V16, TriggerRequested("TransactionEvent"), "TriggerMessage"),
        (V16, TriggerRequested("MeterValues", ONE, 2), "connector_id"),
        (V21, TriggerRequested("MeterValues", None, 2), "evse_id"),
        (V16, UnlockRequested(ONE, 2), "connector_id"),
        (V16, AvailabilityRequested(operational=False, connector_id=1), "connector_id"),
        (V201, AvailabilityRequested(operational=False, connector_id=1), "evse_id"),
        (V201, TriggerRequested("CustomTrigger"), "TriggerMessage"),
    ],
)
def test_what_a_version_cannot_say_is_refused_by_name(version: Version, command: Command, subject: str) -> None:
    with pytest.raises(InputError) as refused:
        catalog.ask(version, command)
    assert refused.value.subject == subject


@pytest.mark.parametrize(
    ("version", "action", "payload"),
    [
        (V16, "RemoteStartTransaction", {"idTag": "A", "connectorId": 0}),
        (
            V16,
            "RemoteStartTransaction",
            {"idTag": "A", "chargingProfile": DEFAULT_16},
        ),
        (
            V201,
            "RequestStartTransaction",
            {"idToken": TOKEN_2, "remoteStartId": 1, "evseId": 0},
        ),
        (V16, "UnlockConnector", {"connectorId": 0}),
        (V201, "UnlockConnector", {"evseId": 0, "connectorId": 1}),
        (V16, "ChangeAvailability", {"connectorId": -1, "type": "Operative"}),
    ],
)
def test_what_the_text_forbids_is_refused_though_the_schema_lets_it_pass(
    version: Version, action: str, payload: dict[str, Any]
) -> None:
    valid(version, action, "Request", payload)
    found = catalog.read_command(version, action, json.dumps(payload).encode())
    assert isinstance(found, Refusal)
    assert found.fault is Fault.VALUE


@pytest.mark.parametrize(
    ("version", "action", "answer"),
    [
        (V16, "RemoteStartTransaction", StartResponded("Rejected")),
        (V201, "RequestStartTransaction", StartResponded("Accepted", TransactionId("T"))),
        (V21, "RequestStartTransaction", StartResponded("Rejected", None, "NoCable", "plug in first")),
        (V16, "Reset", Responded("Accepted")),
        (V21, "Reset", Responded("Scheduled", "Busy")),
        (V16, "UnlockConnector", Responded("UnlockFailed")),
        (V201, "UnlockConnector", Responded("OngoingAuthorizedTransaction")),
        (V16, "TriggerMessage", Responded("NotImplemented")),
        (V201, "GetTransactionStatus", TransactionStatusResponded(messages_in_queue=True)),
        (V21, "GetTransactionStatus", TransactionStatusResponded(messages_in_queue=False, ongoing=True)),
    ],
)
def test_a_stations_answer_is_understood(version: Version, action: str, answer: Answer) -> None:
    payload = catalog.lower(version, action, answer)
    valid(version, action, "Response", json.loads(payload))
    asking = Connection(version)
    asking.call("1", action, b"{}")
    result = asking.receive(b'[3,"1",' + payload + b"]", NOW)
    assert isinstance(result, CallResult)
    assert catalog.hear(version, result) == answer
