"""A driver without an account, in a real process: scans the code, pays at the test provider, and charges."""

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from tests.support.csms import Csms, serving
from tests.support.stations import dialled
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

TARIFF = {
    "country_code": "DE",
    "party_id": "CPO",
    "id": "SPOT",
    "currency": "EUR",
    "elements": [
        {"price_components": [{"type": "ENERGY", "price": 0.50, "vat": 19, "step_size": 1}]},
        {"price_components": [{"type": "FLAT", "price": 1.00, "vat": 19, "step_size": 1}]},
    ],
    "last_updated": "2026-01-01T00:00:00Z",
}
SETTINGS = '[payments]\nprovider = "embedded"\nad_hoc = "{amount}"\nstart_within_s = 30\n[billing]\nwait_s = 1\n'
WITHIN_S = 30


@contextmanager
def csms_taking(folder: Path, amount: str = "30") -> Iterator[Csms]:
    with serving(folder, "--insecure-dev", settings=SETTINGS.format(amount=amount)) as running:
        assert running.http.put("/api/v1/tariffs/SPOT", json=TARIFF).status_code == 200
        yield running


@pytest.fixture(scope="module")
def csms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Csms]:
    with csms_taking(tmp_path_factory.mktemp("spot")) as running:
        yield running


_opened = ExitStack()


@pytest.fixture(autouse=True)
def browsers_closed() -> Iterator[None]:
    yield
    _opened.close()


class Driver:
    """A browser without scripts: it keeps cookies, follows links and presses buttons."""

    def __init__(self, csms: Csms, language: str = "en") -> None:
        headers = {"Accept-Language": language}
        self.http = _opened.enter_context(
            httpx.Client(base_url=str(csms.http.base_url), headers=headers, trust_env=False, timeout=30)
        )

    def page(self, path: str) -> httpx.Response:
        return self.http.get(path)

    def press(self, path: str, shown: httpx.Response, **more: str) -> httpx.Response:
        nonce = re.search(r'name="nonce" value="(\w+)"', shown.text)
        assert nonce is not None, shown.text
        return self.http.post(path, data={"nonce": nonce[1], **more})

    def begin(self, station: str) -> str:
        """Press the button; return where the provider's page is."""
        shown = self.page(f"/pay/{station}/1")
        assert shown.status_code == 200, shown.text
        told = self.press(f"/pay/{station}/1", shown)
        assert told.status_code == 303, told.text
        return str(told.headers["location"])

    def pay(self, address: str, press: str = "approve") -> str:
        """Press a button at the provider; return where the driver is sent back to."""
        told = self.press(address, self.page(address), press=press)
        assert told.status_code == 303, told.text
        return str(told.headers["location"])

    def sees(self, address: str, words: str) -> str:
        """Look at a page until it says so."""
        deadline = time.monotonic() + WITHIN_S
        while words not in (text := self.page(address).text):
            assert time.monotonic() < deadline, text
            time.sleep(0.1)
        return text


Said = list[tuple[str, Any]]


@contextmanager
def station_16(csms: Csms, name: str, status: str = "Accepted") -> Iterator[tuple[ClientConnection, Said]]:
    """Answer remote starts as a 1.6 station; keep what it was asked."""
    csms.enrol(name)
    said: Said = []
    with dialled(csms, name) as socket:

        def serve() -> None:
            try:
                for text in socket:
                    message = json.loads(text)
                    if message[0] == 2:
                        said.append((message[2], message[3]))
                        socket.send(json.dumps([3, message[1], {"status": status}]))
                    else:
                        said.append(("answer", message[2]))
            except ConnectionClosed:
                return

        listening = Thread(target=serve)
        listening.start()
        socket.send(json.dumps([2, "b", "BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"}]))
        try:
            yield socket, said
        finally:
            socket.close()
            listening.join()


def payments_at(csms: Csms, station: str) -> list[dict[str, Any]]:
    return [p for p in csms.http.get("/api/v1/payments").json() if p["station_id"] == station]


def minutes_ago(minutes: int) -> str:
    return (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat(timespec="seconds").replace("+00:00", "Z")


def balances(csms: Csms, payment: dict[str, Any]) -> dict[str, str]:
    """Return the balances that a payment has touched, of accounts that nobody else touches here."""
    mine = (f"customer/{payment['account']}", f"held/{payment['account']}")
    return {
        line["account"]: line["balance"]
        for line in csms.http.get("/api/v1/ledger/balances", params={"limit": 1000}).json()
        if line["account"] in mine or line["account"].endswith("/embedded")
    }


def until(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + WITHIN_S
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def asked(said: Said, action: str) -> Any:
    return until(lambda: next((payload for name, payload in said if name == action), None))


def test_the_page_shows_the_price_with_tax_in_the_drivers_language_and_allows_no_script(csms: Csms) -> None:
    with station_16(csms, "PRICED"):
        english, german = Driver(csms).page("/pay/PRICED/1"), Driver(csms, "de-AT,en;q=0.5").page("/pay/PRICED/1")
    assert "0.595 EUR/kWh" in english.text
    assert "1.19 EUR" in english.text
    assert "0,595 EUR/kWh" in german.text
    assert 'lang="de"' in german.text
    policy = english.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'self';")
    assert "<script" not in english.text
    assert english.headers["cache-control"] == "no-store"


def test_who_pays_has_the_station_started_with_a_token_that_nobody_else_has(csms: Csms) -> None:
    with station_16(csms, "SPOT1") as (socket, said):
        driver = Driver(csms)
        status = driver.pay(driver.begin("SPOT1"))
        start = asked(said, "RemoteStartTransaction")
        assert start["connectorId"] == 1
        driver.sees(status, "The station is being started")
        assert start["idTag"] not in driver.page(status).text
        begun = {"connectorId": 1, "idTag": start["idTag"], "meterStart": 0, "timestamp": minutes_ago(40)}
        socket.send(json.dumps([2, "s", "StartTransaction", begun]))
        answer = until(lambda: next((p for n, p in said if n == "answer" and "transactionId" in p), None))
        assert answer["idTagInfo"]["status"] == "Accepted"
        driver.sees(status, "Charging. Unplug to end it.")
        assert "Somebody is charging here" in Driver(csms).page("/pay/SPOT1/1").text
        number = answer["transactionId"]
        ended = {"transactionId": number, "meterStop": 10_000, "timestamp": minutes_ago(1)}
        socket.send(json.dumps([2, "e", "StopTransaction", ended]))
        receipt = driver.sees(status, "7.14 EUR were taken from your card.")
        assert "10 kWh" in receipt
        assert "1.14 EUR" in receipt, "the VAT"
        (payment,) = payments_at(csms, "SPOT1")
        assert (payment["state"], payment["authorised"], payment["captured"]) == ("captured", "30.00", "7.14")
        assert balances(csms, payment) == {
            f"customer/{payment['account']}": "0.00",
            f"held/{payment['account']}": "0.00",
            "provider/embedded": "6.78",
            "expense/fees/embedded": "0.36",
            "receivable/authorised/embedded": "0.00",
        }


def test_a_2x_station_is_started_the_same_way_and_an_app_needs_no_page(csms: Csms) -> None:
    csms.enrol("SPOT20")
    said: Said = []
    with dialled(csms, "SPOT20", "2.0.1") as socket:
        boot = {"chargingStation": {"vendorName": "V", "model": "M"}, "reason": "PowerUp"}
        socket.send(json.dumps([2, "b", "BootNotification", boot]))
        assert json.loads(socket.recv(10))[2]["status"] == "Accepted"
        body = {"station_id": "SPOT20", "evse_id": 1, "method": "trial_good"}
        made = csms.http.post("/api/v1/ad-hoc-payments", json=body)
        assert (made.status_code, made.json()["state"], made.json()["url"]) == (201, "authorised", None), made.text
        while not said:
            message = json.loads(socket.recv(20))
            if message[0] == 2:
                said.append((message[2], message[3]))
                socket.send(json.dumps([3, message[1], {"status": "Accepted"}]))
        ((action, start),) = said
        assert (action, start["evseId"], start["idToken"]["type"]) == ("RequestStartTransaction", 1, "Central")
        event = {
            "eventType": "Started",
            "timestamp": minutes_ago(3),
            "triggerReason": "RemoteStart",
            "seqNo": 0,
            "transactionInfo": {"transactionId": "T1", "remoteStartId": start["remoteStartId"]},
            "idToken": start["idToken"],
            "evse": {"id": 1, "connectorId": 1},
        }
        socket.send(json.dumps([2, "t", "TransactionEvent", event]))
        assert json.loads(socket.recv(20))[2]["idTokenInfo"]["status"] == "Accepted"
        path = f"/api/v1/payments/{made.json()['id']}"
        assert until(lambda: csms.http.get(path).json()["transaction"]) == csms.transaction("SPOT20")["id"]


def test_a_declined_payment_starts_nothing_and_frees_the_place(csms: Csms) -> None:
    with station_16(csms, "SPOT2") as (_, said):
        driver = Driver(csms)
        status = driver.pay(driver.begin("SPOT2"), "decline")
        driver.sees(status, "Your payment was refused")
        assert driver.page("/pay/SPOT2/1").status_code == 200
        assert "RemoteStartTransaction" not in [name for name, _ in said]


def test_one_pays_at_a_place_at_a_time_and_may_give_up(csms: Csms) -> None:
    with station_16(csms, "SPOT3"):
        driver, other = Driver(csms), Driver(csms)
        before = other.page("/pay/SPOT3/1")
        driver.begin("SPOT3")
        refused = other.press("/pay/SPOT3/1", before)
        assert refused.status_code == 409
        assert "Somebody is paying here just now" in refused.text
        (found,) = [p for p in csms.http.get("/api/v1/payments").json() if p["station_id"] == "SPOT3"]
        status = f"/pay/status/{found['id']}"
        shown = driver.page(status)
        assert driver.press(f"{status}/cancel", shown).status_code == 303
        driver.sees(status, "Nothing was taken from your card.")
        assert other.page("/pay/SPOT3/1").status_code == 200


def test_a_station_that_does_not_start_gets_nothing_and_all_is_released(csms: Csms) -> None:
    with station_16(csms, "SPOT4", "Rejected") as (_, said):
        driver = Driver(csms)
        status = driver.pay(driver.begin("SPOT4"))
        asked(said, "RemoteStartTransaction")
        driver.sees(status, "the station does not start yet (Rejected)")


def test_a_form_from_elsewhere_begins_no_payment(csms: Csms) -> None:
    with station_16(csms, "SPOT5"):
        driver = Driver(csms)
        shown = driver.page("/pay/SPOT5/1")
        stranger = Driver(csms)
        assert stranger.press("/pay/SPOT5/1", shown).status_code == 403
        assert driver.http.post("/pay/SPOT5/1", data={"nonce": "0" * 32}).status_code == 403
        cross = driver.http.post(
            "/pay/SPOT5/1",
            data={"nonce": re.findall(r'value="(\w+)"', shown.text)[0]},
            headers={"Sec-Fetch-Site": "cross-site"},
        )
        assert cross.status_code == 403
        assert driver.press("/pay/SPOT5/1", shown).status_code == 303


def test_places_that_are_none_or_out_of_reach_say_so(csms: Csms) -> None:
    csms.enrol("DARK")
    driver = Driver(csms)
    assert driver.page("/pay/NOWHERE/1").status_code == 404
    assert driver.page("/pay/DARK/1").status_code == 503
    assert driver.page("/pay/DARK/7").status_code == 404
    assert driver.page("/pay/status/" + "0" * 32).status_code == 404
    strange = driver.page("/pay/%3Cscript%3E/1")
    assert strange.status_code == 404
    assert "<script" not in strange.text


def test_the_test_provider_is_refused_where_money_is_meant(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="ended with 78"), serving(tmp_path, settings=SETTINGS.format(amount="30")):
        pass
    assert "takes no money" in (tmp_path / "cpo.log").read_text()
