"""Signed messages at a real CSMS: a station enrolled with its certificate, both directions over a real socket."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey
from tests.support.charges import signing_key
from tests.support.csms import PASSWORD, Csms
from tests.support.stations import HEARTBEAT, call, dialled
from websockets.sync.client import ClientConnection

from wattseal.crypto.message_keys import read_message_certificate, self_signed
from wattseal.evidence.ocpp_jws_build import MessageSigner

KEY = signing_key("live signing station")
PEM = self_signed(KEY, "LIVE", 9, datetime(2026, 1, 1, tzinfo=UTC))
STATION = MessageSigner(KEY, read_message_certificate(PEM).thumbprint)
REGISTRY = jws.JWSRegistry(algorithms=["ES256"], strict_check_header=False)
AT = "2026-03-01T12:00:00Z"


def enrol(csms: Csms, name: str) -> None:
    body = {"id": name, "password": PASSWORD, "evses": [{"id": 1}], "signed_messages": True}
    body["message_certificates"] = [PEM.decode()]
    answer = csms.http.post("/api/v1/stations", json=body)
    assert answer.status_code == 201, answer.text
    shown = csms.http.get(f"/api/v1/stations/{name}").json()
    assert shown["message_certificates"] == [STATION.thumbprint.hex()]
    assert shown["signed_messages"] is True


def opened(csms: Csms, told: Any, action: str, kind: int) -> Any:
    """Return the payload that the CSMS signed, checked by another library under the certificate it hands out."""
    certificate = csms.http.get("/api/v1/registry/keys").json()["message_certificate"]
    found = jws.deserialize_json(told, ECKey.import_key(certificate), registry=REGISTRY)
    header = found.members[0].protected
    assert header is not None
    assert (header["OCPPAction"], header["OCPPMessageTypedId"]) == (action, kind)
    return json.loads(found.payload)


def say(socket: ClientConnection, action: str, payload: Any) -> Any:
    socket.send(call(f"{action}-Signed", json.loads(STATION.sign(json.dumps(payload).encode(), action, 2))))
    kind, _, told = json.loads(socket.recv(10))
    assert kind == 3
    return told


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
def test_a_station_signs_all_it_says_and_is_answered_and_asked_signed(csms: Csms, version: str) -> None:
    name = f"SIGNS-{version}"
    enrol(csms, name)
    station = {"model": "M", "vendorName": "V"}
    with dialled(csms, name, version) as socket:
        boot = say(socket, "BootNotification", {"reason": "PowerUp", "chargingStation": station})
        assert opened(csms, boot, "BootNotification", 3)["status"] == "Accepted"
        for number, kind in enumerate(("Started", "Ended")):
            event = {
                "eventType": kind,
                "timestamp": AT,
                "triggerReason": "Authorized",
                "seqNo": number,
                "transactionInfo": {"transactionId": f"TX-{name}"},
                "evse": {"id": 1},
                "idToken": {"idToken": "CARD", "type": "ISO14443"},
                "meterValue": [{"timestamp": AT, "sampledValue": [{"value": 1000.0 + 500 * number}]}],
            }
            told = opened(csms, say(socket, "TransactionEvent", event), "TransactionEvent", 3)
            assert told["idTokenInfo"]["status"] == "Accepted"
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(csms.http.post, f"/api/v1/stations/{name}/commands/ClearCache", json={})
            kind, number, action, payload = json.loads(socket.recv(10))
            assert (kind, action) == (2, "ClearCache-Signed")
            assert opened(csms, payload, "ClearCache", 2) == {}
            answer = STATION.sign(b'{"status":"Accepted"}', "ClearCache", 3)
            socket.send(f'[3,"{number}",{answer.decode()}]')
            assert asked.result(10).json() == {"status": "Accepted"}
        if version == "2.1":
            stream = STATION.sign(
                b'{"id":1,"pending":0,"basetime":"2026-03-01T12:00:00Z","data":[]}', "NotifyPeriodicEventStream", 6
            )
            socket.send(f'[6,"s","NotifyPeriodicEventStream-Signed",{stream.decode()}]')
        socket.send(HEARTBEAT)
        assert json.loads(socket.recv(10))[:2] == [3, "alive"], "an unsigned message is answered unsigned"
    (found,) = csms.transactions(name)
    assert [(v["record"], v["format"], v["verdict"]) for v in found["verdicts"]] == [
        ("message", "OCPP-JWS", "VALID"),
        ("message", "OCPP-JWS", "VALID"),
    ]
    assert csms.alarms(name) == []


def test_a_certificate_that_is_none_and_signing_without_one_are_refused(csms: Csms) -> None:
    body: dict[str, Any] = {"id": "NOCERT", "password": PASSWORD, "signed_messages": True}
    for more in ({}, {"message_certificates": ["no certificate"]}, {"message_certificates": [PEM.decode()] * 5}):
        assert csms.http.post("/api/v1/stations", json=body | more).status_code in {400, 422}
