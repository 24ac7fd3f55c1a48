"""Verbs over HTTP to real stations of all three versions: one way to ask, the right call of each version."""

import asyncio
import json
from asyncio import Task
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.cpo_process import Answer, Caller, Cpo, Nursery
from websockets.asyncio.client import ClientConnection

V16, V201, V21 = "ocpp1.6", "ocpp2.0.1", "ocpp2.1"
ACCEPTED = {"status": "Accepted"}
STATIONS = {V16: "VERB16", V201: "VERB201", V21: "VERB21"}


@pytest.fixture(scope="module")
def cpo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cpo]:
    nursery = Nursery()
    made = nursery.start(tmp_path_factory.mktemp("verbs") / "cpo")
    for station in (*STATIONS.values(), "OTHER"):
        made.enrol(station)
    made.add_token("CARD")
    made.add_token("BAD", "Blocked")
    yield made
    nursery.close()


def verb(cpo: Cpo, station: str, name: str, body: Any = None) -> Task[Answer]:
    return asyncio.create_task(cpo.asked("POST", f"/api/v1/stations/{station}/{name}", body))


async def answering(socket: ClientConnection, answer: dict[str, Any]) -> tuple[str, Any]:
    """Answer the next call of the CSMS; returns its action and payload."""
    _, number, action, payload = json.loads(await asyncio.wait_for(socket.recv(), 20))
    await socket.send(json.dumps([3, number, answer]))
    return action, payload


@pytest.mark.parametrize(
    ("version", "name", "body", "sent"),
    [
        (
            V16,
            "reset",
            {},
            ("Reset", {"type": "Soft"}),
        ),
        (
            V16,
            "reset",
            {"kind": "Hard"},
            ("Reset", {"type": "Hard"}),
        ),
        (
            V201,
            "reset",
            {"kind": "OnIdle", "evse_id": 2},
            ("Reset", {"type": "OnIdle", "evseId": 2}),
        ),
        (
            V21,
            "reset",
            {"kind": "ImmediateAndResume"},
            ("Reset", {"type": "ImmediateAndResume"}),
        ),
        (
            V16,
            "unlock",
            {"evse_id": 1},
            ("UnlockConnector", {"connectorId": 1}),
        ),
        (
            V201,
            "unlock",
            {"evse_id": 1, "connector_id": 2},
            ("UnlockConnector", {"evseId": 1, "connectorId": 2}),
        ),
        (
            V16,
            "change-availability",
            {"operational": False},
            ("ChangeAvailability", {"connectorId": 0, "type": "Inoperative"}),
        ),
        (
            V21,
            "change-availability",
            {"operational": True, "evse_id": 1},
            ("ChangeAvailability", {"operationalStatus": "Operative", "evse": {"id": 1}}),
        ),
        (
            V16,
            "trigger",
            {"message": "Heartbeat"},
            ("TriggerMessage", {"requestedMessage": "Heartbeat"}),
        ),
        (
            V16,
            "trigger",
            {"message": "SignChargingStationCertificate"},
            ("ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"}),
        ),
        (
            V201,
            "trigger",
            {"message": "MeterValues", "evse_id": 1},
            ("TriggerMessage", {"requestedMessage": "MeterValues", "evse": {"id": 1}}),
        ),
        (
            V16,
            "clear-cache",
            None,
            ("ClearCache", {}),
        ),
        (
            V201,
            "clear-cache",
            {},
            ("ClearCache", {}),
        ),
    ],
)
async def test_a_verb_is_the_right_call_of_each_version(
    cpo: Cpo, version: str, name: str, body: Any, sent: tuple[str, Any]
) -> None:
    worded = {"status": "Unlocked"} if name == "unlock" else ACCEPTED
    async with cpo.dial(STATIONS[version], version) as socket:
        asked = verb(cpo, STATIONS[version], name, body)
        assert await answering(socket, worded) == sent
        answer = await asked
    assert answer.status == 200, answer
    told = answer.json()
    assert (told["action"], told["status"], len(told["record"])) == (sent[0], worded["status"], 64)


async def test_the_reasons_of_a_2x_station_are_told(cpo: Cpo) -> None:
    async with cpo.dial(STATIONS[V201], V201) as socket:
        asked = verb(cpo, STATIONS[V201], "reset", {})
        reasons = {"reasonCode": "FwUpdate", "additionalInfo": "in ten minutes"}
        await answering(socket, {"status": "Rejected", "statusInfo": reasons})
        told = (await asked).json()
    assert (told["status"], told["reason"], told["detail"]) == ("Rejected", "FwUpdate", "in ten minutes")


async def test_the_status_of_a_transaction_is_asked_of_a_2x_station(cpo: Cpo) -> None:
    async with cpo.dial(STATIONS[V21], V21) as socket:
        asked = verb(cpo, STATIONS[V21], "transaction-status", {"transaction_id": "T"})
        answer = {"messagesInQueue": False, "ongoingIndicator": True}
        assert await answering(socket, answer) == ("GetTransactionStatus", {"transactionId": "T"})
        told = (await asked).json()
    assert (told["ongoing"], told["messages_in_queue"]) == (True, False)


@pytest.mark.parametrize(
    ("version", "name", "body", "field"),
    [
        (V16, "reset", {"kind": "OnIdle"}, "kind"),
        (V16, "reset", {"evse_id": 1}, "evse_id"),
        (V201, "reset", {"kind": "ImmediateAndResume"}, "kind"),
        (V16, "unlock", {"evse_id": 1, "connector_id": 2}, "connector_id"),
        (V16, "transaction-status", {}, "TransactionStatusRequested"),
        (V201, "change-availability", {"operational": False, "connector_id": 1}, "evse_id"),
        (V16, "trigger", {"message": "TransactionEvent"}, "TriggerMessage"),
        (V201, "reset", {"kind": "Sideways"}, "kind"),
        (V201, "unlock", {"evse_id": 0}, "evse_id"),
        (V201, "unlock", {"evse_id": 1, "why": "x"}, "why"),
        (V201, "remote-start", {}, "id_token"),
    ],
)
async def test_what_cannot_be_asked_is_refused_by_name_and_nothing_is_sent(
    cpo: Cpo, version: str, name: str, body: Any, field: str
) -> None:
    async with cpo.dial(STATIONS[version], version) as socket:
        refused = await verb(cpo, STATIONS[version], name, body)
        assert refused.status == 422, refused
        assert refused.json().get("field", "") == field
        asked = verb(cpo, STATIONS[version], "clear-cache", None)
        assert (await answering(socket, ACCEPTED))[0] == "ClearCache", "nothing else was sent"
        assert (await asked).status == 200


async def test_a_remote_start_of_16_is_authorised_once_and_charged_by_what_follows(cpo: Cpo) -> None:
    async with cpo.dial(STATIONS[V16]) as socket:
        asked = verb(cpo, STATIONS[V16], "remote-start", {"id_token": "card", "evse_id": 1})
        action, payload = await answering(socket, ACCEPTED)
        assert (action, payload) == ("RemoteStartTransaction", {"idTag": "card", "connectorId": 1})
        assert (await asked).json()["status"] == "Accepted"
        start = {"connectorId": 1, "idTag": "CARD", "meterStart": 5, "timestamp": "2026-01-01T00:00:00Z"}
        told = await Caller(socket).call("StartTransaction", start)
        assert told["idTagInfo"]["status"] == "Accepted"
        shown = await cpo.asked("GET", f"/api/v1/transactions/{told['transactionId']}?station_id={STATIONS[V16]}")
        assert shown.json()["authorization"] == "Accepted"
        assert shown.json()["records"]["decision"]

        stranger = await verb(cpo, "OTHER", "remote-stop", {"transaction_id": shown.json()["id"]})
        assert (stranger.status, stranger.json()["code"]) == (404, "not_found"), "it is not a transaction of OTHER"
        asked = verb(cpo, STATIONS[V16], "remote-stop", {"transaction_id": shown.json()["id"]})
        expected = ("RemoteStopTransaction", {"transactionId": told["transactionId"]})
        assert await answering(socket, ACCEPTED) == expected
        assert (await asked).status == 200
        stop = {"transactionId": told["transactionId"], "meterStop": 2005, "timestamp": "2026-01-01T01:00:00Z"}
        await Caller(socket).call("StopTransaction", stop)
        again = await verb(cpo, STATIONS[V16], "remote-stop", {"transaction_id": str(told["transactionId"])})
        assert (again.status, again.json()["code"]) == (409, "transaction_ended")


@pytest.mark.parametrize("version", [V201, V21])
async def test_a_remote_start_of_2x_has_an_id_that_comes_back_with_the_transaction(cpo: Cpo, version: str) -> None:
    station = STATIONS[version]
    async with cpo.dial(station, version) as socket:
        asked = verb(cpo, station, "remote-start", {"id_token": "CARD", "type": "ISO14443", "evse_id": 1})
        action, payload = await answering(socket, {"status": "Accepted", "transactionId": f"T-{version}"})
        assert action == "RequestStartTransaction"
        assert payload["idToken"] == {"idToken": "CARD", "type": "ISO14443"}
        told = (await asked).json()
        assert (told["remote_start_id"], told["transaction_id"]) == (payload["remoteStartId"], f"T-{version}")
        event = {
            "eventType": "Started",
            "timestamp": "2026-01-01T00:00:00Z",
            "triggerReason": "RemoteStart",
            "seqNo": 0,
            "transactionInfo": {"transactionId": f"T-{version}", "remoteStartId": payload["remoteStartId"]},
            "idToken": {"idToken": "CARD", "type": "ISO14443"},
            "evse": {"id": 1, "connectorId": 1},
        }
        answer = await Caller(socket).call("TransactionEvent", event)
        assert answer["idTokenInfo"]["status"] == "Accepted"
        asked = verb(cpo, station, "remote-stop", {"transaction_id": f"T-{version}"})
        assert await answering(socket, ACCEPTED) == ("RequestStopTransaction", {"transactionId": f"T-{version}"})
        assert (await asked).status == 200


@pytest.mark.parametrize(("card", "status"), [("BAD", "Blocked"), ("NOBODYS", "Unknown")])
async def test_a_card_that_may_not_charge_starts_nothing(cpo: Cpo, card: str, status: str) -> None:
    async with cpo.dial(STATIONS[V16]) as socket:
        refused = await verb(cpo, STATIONS[V16], "remote-start", {"id_token": card, "evse_id": 1})
        assert (refused.status, refused.json()["code"]) == (409, "token_refused")
        assert refused.json()["token_status"] == status
        assert card not in refused.json()["title"]
        asked = verb(cpo, STATIONS[V16], "clear-cache")
        assert (await answering(socket, ACCEPTED))[0] == "ClearCache", "nothing else was sent"
        assert (await asked).status == 200


@pytest.mark.parametrize("name", ["remote-start", "remote-stop", "reset"])
async def test_a_verb_needs_its_station(cpo: Cpo, name: str) -> None:
    bodies = {"remote-start": {"id_token": "CARD"}, "remote-stop": {"transaction_id": "1"}, "reset": {}}
    unknown = await verb(cpo, "NOBODY", name, bodies[name])
    assert (unknown.status, unknown.json()["code"]) == (404, "not_found")
    offline = await verb(cpo, "OTHER", name, bodies[name])
    expected = (404, "not_found") if name == "remote-stop" else (409, "station_offline")
    assert (offline.status, offline.json()["code"]) == expected
