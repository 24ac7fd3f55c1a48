"""The API of a real process: every bad input has its stated answer, and none of them changes anything."""

import asyncio
import base64
import contextlib
import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cbor2
import pytest
from tests.support.cpo_process import PASSWORD, Caller, Cpo, Nursery
from websockets.exceptions import ConnectionClosed, InvalidStatus

from wattseal.bundle.check import check_bundle
from wattseal.bundle.format import parse_bundle
from wattseal.crypto.keys import Algorithm, SigningKey

STATION = {"id": "API1", "password": PASSWORD}
TARIFF = {
    "country_code": "DE",
    "party_id": "CPO",
    "id": "T1",
    "currency": "EUR",
    "elements": [{"price_components": [{"type": "ENERGY", "price": 0.30, "vat": 19.0, "step_size": 1}]}],
    "last_updated": "2026-01-01T00:00:00Z",
}


@pytest.fixture(scope="module")
def cpo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cpo]:
    nursery = Nursery()
    made = nursery.start(tmp_path_factory.mktemp("api") / "cpo")
    made.enrol("ST1")
    made.add_token()
    yield made
    nursery.close()


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "bad_request"),
        ({}, 422, "bad_input"),
        ({**STATION, "passwrd": "x"}, 422, "bad_input"),
        ({**STATION, "id": ""}, 422, "bad_input"),
        ({**STATION, "id": "a/b"}, 422, "bad_station_id"),
        ({**STATION, "id": "ST 1"}, 422, "bad_station_id"),
        ({**STATION, "id": "x" * 49}, 422, "bad_station_id"),
        ({**STATION, "id": "ST~csms"}, 422, "bad_station_id"),
        ({"id": "API1"}, 422, "bad_input"),
        ({"id": "API1", "password": "short"}, 422, "bad_password"),
        ({"id": "API1", "password": "x" * 65}, 422, "bad_password"),
        ({"id": "API1", "password_hex": "xyz"}, 422, "bad_input"),
        ({**STATION, "password_hex": "00" * 16}, 422, "bad_input"),
        ({**STATION, "evidence_pin": {"grade": "G9", "source": "meter"}}, 422, "bad_input"),
        ({**STATION, "evidence_pin": {"grade": "G2", "source": "nobody"}}, 422, "bad_input"),
        ({**STATION, "evses": [{"id": 0}]}, 422, "bad_input"),
        ({**STATION, "evses": [{"id": 1}, {"id": 1}]}, 422, "bad_input"),
        ({**STATION, "evses": [{"id": 1, "rated_power_w": 0}]}, 422, "bad_input"),
        ({**STATION, "evses": [{"id": 1, "meter_public_key": "nonsense"}]}, 422, "bad_key"),
        ({**STATION, "station_public_key": "00"}, 422, "bad_key"),
        ({**STATION, "id": 7}, 422, "bad_input"),
    ],
)
def test_a_bad_station_is_refused_with_its_field(cpo: Cpo, body: Any, status: int, code: str) -> None:
    answer = cpo.ask("POST", "/api/v1/stations", body)
    assert (answer.status, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert cpo.ask("GET", "/api/v1/stations/API1").status == 404


def test_a_body_too_long_is_refused_by_its_length_before_it_is_sent(cpo: Cpo) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", cpo.http, timeout=30)
    with contextlib.closing(connection):
        connection.putrequest("POST", "/api/v1/stations")
        connection.putheader("Authorization", f"Bearer {cpo.token}")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(1024 * 1024 + 1))
        connection.endheaders()
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["code"]) == (413, "too_large")


def test_a_cards_key_is_enrolled_shown_kept_and_taken_away(cpo: Cpo) -> None:
    body = {"id_token": "PROVES", "type": "ISO14443", "status": "Accepted"}
    key = SigningKey.from_seed(Algorithm.ESP256, b"c" * 32).public.spki

    def shown() -> str | None:
        (token,) = [each for each in cpo.ask("GET", "/api/v1/tokens").json() if each["id_token"] == "PROVES"]
        return str(token["card_key"]) if token["card_key"] else None

    assert cpo.ask("POST", "/api/v1/tokens", body).json()["card_key"] is None
    put = cpo.ask("PUT", "/api/v1/tokens/card-key", {"id_token": "proves", "public_key": key.hex()})
    assert put.json()["card_key"] == base64.b64encode(key).decode()
    cpo.ask("POST", "/api/v1/tokens", body)
    assert shown() == base64.b64encode(key).decode()
    assert cpo.ask("PUT", "/api/v1/tokens/card-key", {"id_token": "PROVES", "public_key": None}).status == 200
    assert shown() is None


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/api/v1/tokens", {"id_token": "T", "type": "ISO14443", "status": "Perhaps"}, 422),
        ("POST", "/api/v1/tokens", {"id_token": "", "type": "ISO14443", "status": "Accepted"}, 422),
        ("PUT", "/api/v1/tokens/card-key", {"id_token": "NOBODY", "public_key": None}, 404),
        ("PUT", "/api/v1/tokens/card-key", {"id_token": "CARD", "public_key": "00"}, 422),
        ("PUT", "/api/v1/tokens/card-key", {"id_token": "CARD"}, 422),
        ("GET", "/api/v1/transactions/00", None, 404),
        ("GET", "/api/v1/transactions/00/bundle", None, 404),
        ("GET", "/api/v1/transactions?active=perhaps", None, 422),
        ("GET", "/api/v1/transactions?limit=0", None, 422),
        ("GET", "/api/v1/transactions?limit=1001", None, 422),
        ("GET", "/api/v1/nothing", None, 404),
        ("DELETE", "/api/v1/stations", None, 405),
        ("PUT", "/api/v1/tariffs/T1", {}, 422),
        ("PUT", "/api/v1/tariffs/T2", TARIFF, 422),
        ("POST", "/api/v1/registry/entries", b"\xff", 422),
        ("POST", "/api/v1/registry/entries", cbor2.dumps({}), 422),
        ("POST", "/api/v1/registry/entries", cbor2.dumps([b"junk"]), 422),
        ("GET", "/api/v1/log/tile/0/../../../admin-token", None, 404),
        ("GET", "/api/v1/log/admin-token", None, 404),
    ],
)
def test_bad_requests_are_problems(cpo: Cpo, method: str, path: str, body: Any, status: int) -> None:
    answer = cpo.ask(method, path, body)
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "code"} <= answer.json().keys()


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/stations",
        "/api/v1/tokens",
        "/api/v1/transactions",
        "/api/v1/transactions/00",
        "/api/v1/transactions/00/bundle",
        "/api/v1/alarms",
        "/api/v1/registry/keys",
    ],
)
@pytest.mark.parametrize("token", ["", "Bearer", "Bearer wrong", "Basic x"])
def test_nobody_reads_without_the_token(cpo: Cpo, path: str, token: str) -> None:
    answer = cpo.ask("GET", path, Authorization=token)
    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_the_password_is_never_shown(cpo: Cpo) -> None:
    assert PASSWORD not in cpo.ask("GET", "/api/v1/stations").body.decode()
    assert "scrypt" not in cpo.ask("GET", "/api/v1/stations/ST1").body.decode()


def test_health_and_readiness_need_no_token(cpo: Cpo) -> None:
    assert cpo.ask("GET", "/healthz", Authorization="").status == 200
    assert cpo.ask("GET", "/readyz", Authorization="").status == 200


async def test_a_charge_gives_a_bundle_after_the_checkpoint(cpo: Cpo) -> None:
    assert (await cpo.asked("PUT", "/api/v1/tariffs/T1", TARIFF)).status == 200
    async with cpo.dial("ST1") as socket:
        station = Caller(socket)
        start = {"connectorId": 1, "idTag": "CARD", "meterStart": 5, "timestamp": "2026-01-01T00:00:00Z"}
        number = (await station.call("StartTransaction", start))["transactionId"]
        running = await cpo.asked("GET", f"/api/v1/transactions/{number}?station_id=ST1")
        assert (running.json()["active"], running.json()["energy_wh"], running.json()["billing"]) == (
            True,
            None,
            "pending",
        )
        early = await cpo.asked("GET", f"/api/v1/transactions/{number}/bundle?station_id=ST1")
        assert early.status == 409
        stop = {"transactionId": number, "meterStop": 2005, "timestamp": "2026-01-01T01:00:00Z"}
        await station.call("StopTransaction", stop)
    shown = (await cpo.asked("GET", f"/api/v1/transactions/{number}?station_id=ST1")).json()
    assert (shown["energy_wh"], shown["billing"], shown["source"], shown["sealed"]) == ("2000", "billed", "csms", False)
    path = f"/api/v1/transactions/{shown['id']}/bundle"
    answer = await cpo.asked("GET", path)
    while answer.status == 202:
        assert int(answer.headers["retry-after"]) >= 1
        await asyncio.sleep(0.1)
        answer = await cpo.asked("GET", path)
    bundle = parse_bundle(answer.body)
    assert check_bundle(answer.body, None).verdict == "INCOMPLETE"
    assert bundle.cdr is not None
    assert b"CARD" not in answer.body


async def test_a_pinned_station_that_only_asserts_is_not_billed(cpo: Cpo) -> None:
    key = SigningKey.from_seed(Algorithm.ESP256, bytes(31) + b"\x01").public.spki.hex()
    pin = {"grade": "G2", "source": "meter"}
    evses = [{"id": 1, "meter_serial": "M1", "meter_public_key": key}]
    await asyncio.to_thread(lambda: cpo.enrol("PINNED", evidence_pin=pin, evses=evses))
    async with cpo.dial("PINNED") as socket:
        station = Caller(socket)
        start = {"connectorId": 1, "idTag": "CARD", "meterStart": 5, "timestamp": "2026-01-01T00:00:00Z"}
        number = (await station.call("StartTransaction", start))["transactionId"]
        stop = {"transactionId": number, "meterStop": 2005, "timestamp": "2026-01-01T01:00:00Z"}
        await station.call("StopTransaction", stop)
    shown = (await cpo.asked("GET", f"/api/v1/transactions/{number}?station_id=PINNED")).json()
    assert (shown["billing"], shown["billing_reason"]) == ("quarantined", "evidence_below_pin")
    assert shown["energy_wh"] == "2000"


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("nonsense", "FormationViolation"),
        ('[2,"1","Heartbeat"]', "ProtocolError"),
        ('[2,"1","Heartbeat",{"a":1}]', "FormationViolation"),
        ('[2,"1","Nonsense",{}]', "NotImplemented"),
        ('[2,"1","StartTransaction",{"connectorId":"x","idTag":"A","meterStart":1,"timestamp":"x"}]', None),
        (json.dumps([2, "1", "Authorize", {"idTag": "x" * 21}]), "PropertyConstraintViolation"),
    ],
)
async def test_bad_frames_are_answered_with_their_code_and_the_connection_goes_on(
    cpo: Cpo, frame: str, code: str | None
) -> None:
    async with cpo.dial("ST1") as socket:
        station = Caller(socket)
        answer = await station.send(frame)
        assert answer[0] == 4
        assert code in {None, answer[2]}
        assert "currentTime" in await station.call("Heartbeat", {})


async def test_oversized_and_binary_frames_end_the_connection(cpo: Cpo) -> None:
    async with cpo.dial("ST1") as socket:
        await socket.send(json.dumps([2, "1", "DataTransfer", {"vendorId": "x", "data": "y" * 140_000}]))
        with pytest.raises(ConnectionClosed) as caught:
            await socket.recv()
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1009


@pytest.mark.parametrize(("station", "password"), [("ST1", "wrong-password-1"), ("NOBODY", PASSWORD)])
async def test_wrong_passwords_and_unknown_stations_look_the_same(cpo: Cpo, station: str, password: str) -> None:
    with pytest.raises(InvalidStatus) as caught:
        await cpo.dial(station, password=password)
    assert caught.value.response.status_code == 401


async def test_a_wrong_subprotocol_is_not_spoken(cpo: Cpo) -> None:
    async with cpo.dial("ST1", version="ocpp9.9") as socket:
        with pytest.raises(ConnectionClosed):
            await socket.recv()


async def test_a_flood_of_wrong_passwords_costs_the_real_station_nothing(cpo: Cpo) -> None:
    cpo.enrol("BESIDE")
    async with cpo.dial("ST1") as socket:
        station = Caller(socket)
        guesses = [asyncio.create_task(_refused(cpo.dial("ST1", password=f"guess-{n:012}"))) for n in range(150)]
        async with cpo.dial("BESIDE") as other:
            assert "currentTime" in await Caller(other).call("Heartbeat", {})
        assert all(await asyncio.gather(*guesses))
        assert "currentTime" in await station.call("Heartbeat", {})
    async with cpo.dial("ST1") as socket:
        assert "currentTime" in await Caller(socket).call("Heartbeat", {})


async def _refused(guess: Any) -> bool:
    try:
        await guess
    except InvalidStatus as error:
        return error.response.status_code == 401
    return False


def test_ports_and_token_are_where_the_manual_says(cpo: Cpo) -> None:
    ports = json.loads((Path(cpo.data) / "ports.json").read_text())
    assert ports == {"ocpp": cpo.ocpp, "http": cpo.http}
    assert (Path(cpo.data) / "admin-token").stat().st_mode & 0o077 == 0


def test_what_is_left_out_of_a_change_stays_what_it_was(cpo: Cpo) -> None:
    key = SigningKey.from_seed(Algorithm.ESP256, bytes(31) + b"\x01").public.spki.hex()
    evse = {"id": 1, "meter_serial": "M1", "meter_public_key": key}
    pin = {"grade": "G2", "source": "meter"}
    body = {"id": "KEEPS", "password": PASSWORD, "evses": [evse], "evidence_pin": pin}
    assert cpo.ask("POST", "/api/v1/stations", body).status == 201
    assert cpo.ask("POST", "/api/v1/stations", {"id": "KEEPS", "password": "another password"}).status == 200
    shown = cpo.ask("GET", "/api/v1/stations/KEEPS").json()
    assert shown["evidence_pin"] == pin
    assert (shown["evses"][0]["id"], shown["evses"][0]["meter_serial"]) == (1, "M1")
    assert cpo.ask("POST", "/api/v1/stations", {"id": "KEEPS", "evses": []}).status == 200
    assert cpo.ask("GET", "/api/v1/stations/KEEPS").json()["evses"] == []
