"""The npm package `ocpp-rpc`, as a charging station in strict mode, charges at `wattseal serve`."""

import base64
import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.interop.meter import at, ocmf, sent_key
from tests.interop.npm import installed, node
from tests.support.csms import PASSWORD, Csms

Talk = Callable[..., dict[str, Any]]
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def talk(csms: Csms, request: pytest.FixtureRequest) -> Talk:
    folder = installed(request.config)

    def run(name: str, protocol: str, *calls: tuple[str, dict[str, Any]], password: str = PASSWORD) -> dict[str, Any]:
        secret = base64.b64encode(password.encode()).decode()
        asked = {"endpoint": csms.ocpp, "identity": name, "password": secret, "protocol": protocol, "calls": calls}
        ran = node(folder, "station.mjs", input=json.dumps(asked))
        assert ran.returncode == 0, ran.stderr
        told: dict[str, Any] = json.loads(ran.stdout)
        return told

    return run


def station_name() -> str:
    return f"NPM-{next(_numbers)}"


async def test_a_1_6_charge_passes_strict_validation_on_both_sides(csms: Csms, talk: Talk) -> None:
    name = csms.enrol(station_name(), pin=("G2", "meter"), meter="METER-1")
    record = ocmf(name, 1, ("B", "1000", 0), ("E", "8000.5", 30))
    sample = {"value": record, "format": "SignedData", "context": "Transaction.End"}
    told = talk(
        name,
        "ocpp1.6",
        ("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"}),
        ("StatusNotification", {"connectorId": 0, "errorCode": "NoError", "status": "Available"}),
        ("Heartbeat", {}),
        ("Authorize", {"idTag": "DRIVER-1"}),
        ("StartTransaction", {"connectorId": 1, "idTag": "DRIVER-1", "meterStart": 1000, "timestamp": at(0)}),
        (
            "MeterValues",
            {
                "connectorId": 1,
                "transactionId": "<transactionId>",
                "meterValue": [{"timestamp": at(10), "sampledValue": [{"value": "4000"}]}],
            },
        ),
        (
            "StopTransaction",
            {
                "transactionId": "<transactionId>",
                "meterStop": 8001,
                "timestamp": at(30),
                "transactionData": [{"timestamp": at(30), "sampledValue": [sample]}],
            },
        ),
        ("DataTransfer", {"vendorId": "unknown.vendor"}),
    )
    assert told["connected"] == "ocpp1.6"
    boot, status, heartbeat, authorised, started, values, stopped, transfer = told["answers"]
    assert (boot["status"], authorised["idTagInfo"]["status"]) == ("Accepted", "Accepted")
    assert (status, values, stopped, list(heartbeat)) == ({}, {}, {}, ["currentTime"])
    assert transfer["status"] == "UnknownVendorId"
    found = csms.settled(name)
    assert found["transaction_id"] == str(started["transactionId"])
    assert [found[k] for k in ("energy_wh", "grade", "source")] == ["7000.5", "G2", "meter"]
    assert found["billing"] in {"billed", "free"}, "it may be billed, and is free once the missing tariff was noticed"


@pytest.mark.parametrize("protocol", ["ocpp2.0.1", "ocpp2.1"])
async def test_a_2_x_charge_passes_strict_validation_on_both_sides(csms: Csms, talk: Talk, protocol: str) -> None:
    name = csms.enrol(station_name(), pin=("G3", "meter"), meter="METER-1")
    token = {"idToken": "DRIVER-1", "type": "ISO14443"}

    def event(kind: str, minute: int, page: int, wh: float) -> tuple[str, dict[str, Any]]:
        data = base64.b64encode(ocmf(name, page, (kind[0].replace("S", "B"), f"{wh}", minute)).encode()).decode()
        signed = {"signedMeterData": data, "encodingMethod": "OCMF", "signingMethod": "", "publicKey": sent_key(name)}
        sample = {"value": wh, "context": f"Transaction.{'Begin' if kind == 'Started' else 'End'}"}
        return "TransactionEvent", {
            "eventType": kind,
            "timestamp": at(minute),
            "triggerReason": "Authorized" if kind == "Started" else "EVDeparted",
            "seqNo": page,
            "transactionInfo": {"transactionId": f"{name}-T"},
            "evse": {"id": 1, "connectorId": 1},
            "idToken": token,
            "meterValue": [{"timestamp": at(minute), "sampledValue": [sample | {"signedMeterValue": signed}]}],
        }

    boot = {"reason": "PowerUp", "chargingStation": {"model": "M", "vendorName": "V"}}
    status = {"timestamp": at(0), "connectorStatus": "Available", "evseId": 1, "connectorId": 1}
    told = talk(
        name,
        protocol,
        ("BootNotification", boot),
        ("StatusNotification", status),
        ("Authorize", {"idToken": token}),
        event("Started", 0, 1, 1000.25),
        event("Ended", 30, 2, 8000.75),
        ("Heartbeat", {}),
    )
    assert told["connected"] == protocol
    assert not [answer for answer in told["answers"] if "error" in answer], told
    assert told["answers"][4]["idTokenInfo"]["status"] == "Accepted"
    found = csms.settled(name)
    assert [found[k] for k in ("energy_wh", "grade", "source")] == ["7000.50", "G3", "meter"]
    assert found["billing"] in {"billed", "free"}


async def test_refusals_have_the_codes_this_client_knows(csms: Csms, talk: Talk) -> None:
    name = csms.enrol(station_name())
    told = talk(name, "ocpp1.6", ("Reset", {"type": "Soft"}))
    assert told["connected"] == "ocpp1.6"
    assert told["answers"][0]["error"].startswith("NotSupported"), told


async def test_a_wrong_password_and_an_unknown_station_are_401(csms: Csms, talk: Talk) -> None:
    name = csms.enrol(station_name())
    assert talk(name, "ocpp1.6", password="wrong")["connected"] == "401 Unauthorized"
    assert talk("NPM-NOBODY", "ocpp1.6")["connected"] == "401 Unauthorized"
