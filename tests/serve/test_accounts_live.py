"""Accounts at a running CSMS: opened by command line, held on, extended and stopped over OCPP, billed, stated."""

import json
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.serve.test_disputes_api import TARIFF
from tests.support.csms import ENVIRONMENT, Csms, serving
from tests.support.forking import wattseal_command
from tests.support.stations import ask, dialled

SETTINGS = "[billing]\nwait_s = 0\nwatch_s = 0.2\nhold = 5\nleast_hold = 1\nstop_after_s = 1\n"
WITHIN_S = 20


@pytest.fixture(scope="module")
def csms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Csms]:
    with serving(tmp_path_factory.mktemp("accounts"), witnesses=("MSP",), settings=SETTINGS) as made:
        assert made.http.put("/api/v1/tariffs/T1", json=TARIFF).status_code == 200
        made.enrol("D1")
        yield made


def run(csms: Csms, *words: str) -> subprocess.CompletedProcess[str]:
    remote = ["--url", str(csms.http.base_url), "--token-file", str(csms.data / "admin-token")]
    return subprocess.run(  # noqa: S603 - our own program
        [*wattseal_command(), *words, *remote],
        capture_output=True,
        text=True,
        check=False,
        env=ENVIRONMENT,
    )


def wattseal(csms: Csms, *words: str) -> str:
    done = run(csms, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def failing(csms: Csms, *words: str) -> str:
    """Return what a command says that does not do it."""
    done = run(csms, *words)
    assert done.returncode != 0, done.stdout
    return " ".join(done.stderr.split())


def shown(csms: Csms, account: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(wattseal(csms, "account", "show", account, "--json"))
    return told


def opened(csms: Csms, card: str, amount: str) -> str:
    account = wattseal(csms, "account", "open", "--kind", "prepaid", "--currency", "EUR", "--name", "Jo Doe").strip()
    paid = {"kind": "top_up", "account": f"customer/{account}", "amount": amount, "currency": "EUR"}
    body = paid | {"reason": "by bank transfer", "reference": card}
    assert csms.http.post("/api/v1/ledger/postings", json=body).status_code == 201
    token = {"id_token": card, "type": "ISO14443", "status": "Accepted", "account": account}
    assert csms.http.post("/api/v1/tokens", json=token).status_code in {200, 201}
    return account


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not true():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.1)


def now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def metered(socket: Any, number: int, wh: int) -> None:
    sample = {"value": str(wh), "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
    values = [{"timestamp": now(), "sampledValue": [sample]}]
    payload = {"connectorId": 1, "transactionId": number, "meterValue": values}
    socket.send(json.dumps([2, f"m{wh}", "MeterValues", payload]))


def ended(socket: Any, number: int, wh: int) -> None:
    """End the charge; whatever was still to come is passed over."""
    payload = {"transactionId": number, "meterStop": wh, "timestamp": now()}
    socket.send(json.dumps([2, "the end", "StopTransaction", payload]))
    while json.loads(socket.recv(timeout=WITHIN_S))[1] != "the end":
        pass


def stopped(socket: Any, within_s: float) -> Any:
    """Wait until the station is asked to stop, agree, and return what it was asked."""
    deadline = time.monotonic() + within_s
    while True:
        message = json.loads(socket.recv(timeout=deadline - time.monotonic()))
        if message[0] == 2 and message[2] == "RemoteStopTransaction":
            socket.send(json.dumps([3, message[1], {"status": "Accepted"}]))
            return message[3]


def test_a_prepaid_charge_from_the_account_to_the_statement(csms: Csms) -> None:
    account = opened(csms, "CARD-8", "8.00")
    with dialled(csms, "D1") as socket:
        start = {"connectorId": 1, "idTag": "CARD-8", "meterStart": 0, "timestamp": now()}
        told = ask(socket, "StartTransaction", start)
        assert told["idTagInfo"]["status"] == "Accepted"
        number = told["transactionId"]
        held = shown(csms, account)
        assert (held["balance"], held["held"], held["payer"]["name"]) == ("3.00", "5.00", "Jo Doe")
        assert [hold["amount"] for hold in held["holds"]] == ["5.00"]
        metered(socket, number, 7000)
        until(lambda: shown(csms, account)["held"] == "8.00")
        metered(socket, number, 12_600)
        assert stopped(socket, WITHIN_S) == {"transactionId": number}
        ended(socket, number, 13_000)
    until(lambda: shown(csms, account)["held"] == "0.00")
    after = shown(csms, account)
    assert (after["balance"], after["holds"]) == ("0.20", [])
    statement = csms.http.get(after["statement"]).json()
    kinds = [line["kind"] for line in statement["lines"]]
    assert kinds == ["top_up", "hold", "hold", "charge"]
    assert statement["closing"] == "0.20"


def test_a_blocked_account_starts_nothing_until_it_is_unblocked(csms: Csms) -> None:
    account = opened(csms, "CARD-9", "9.00")
    assert "blocked" in wattseal(csms, "account", "block", account, "--text", "card lost")
    with dialled(csms, "D1") as socket:
        assert ask(socket, "Authorize", {"idTag": "CARD-9"})["idTagInfo"]["status"] == "Blocked"
        assert "open" in wattseal(csms, "account", "unblock", account)
        assert ask(socket, "Authorize", {"idTag": "CARD-9"})["idTagInfo"]["status"] == "Accepted"
    refused = csms.http.patch(f"/api/v1/accounts/{account}", json={"status": "closed"})
    assert (refused.status_code, refused.json()["code"]) == (409, "account_not_empty")
    assert account in wattseal(csms, "account", "list", "--json")
    assert wattseal(csms, "account", "payer", account).strip() == "erased"
    assert shown(csms, account)["payer"] is None


def test_a_limit_is_changed_by_command(csms: Csms) -> None:
    words = ("--kind", "credit", "--currency", "EUR", "--limit", "20")
    account = wattseal(csms, "account", "open", *words).strip()
    assert "limit 35" in wattseal(csms, "account", "limit", account, "35")


def test_a_stranger_who_charges_is_stopped(csms: Csms) -> None:
    with dialled(csms, "D1") as socket:
        start = {"connectorId": 1, "idTag": "STRANGER", "meterStart": 20_000, "timestamp": now()}
        told = ask(socket, "StartTransaction", start)
        assert told["idTagInfo"]["status"] == "Invalid"
        assert stopped(socket, WITHIN_S) == {"transactionId": told["transactionId"]}
        ask(
            socket, "StopTransaction", {"transactionId": told["transactionId"], "meterStop": 20_100, "timestamp": now()}
        )


def test_a_drivers_data_is_written_whole_and_over_nothing(csms: Csms, tmp_path: Path) -> None:
    account = opened(csms, "CARD-X", "3.00")
    out = tmp_path / "driver.zip"
    assert str(out) in wattseal(csms, "account", "export", account, "--out", str(out))
    with zipfile.ZipFile(out) as archive:
        assert archive.testzip() is None
        told = json.loads(archive.read("data.json"))
    assert (told["payer"]["name"], [card["id_token"]["value"] for card in told["cards"]]) == ("Jo Doe", ["CARD-X"])
    assert [one["what"] for one in told["history"]] == ["opened", "exported"]
    assert out.stat().st_mode & 0o777 == 0o600
    before = out.read_bytes()
    refused = failing(csms, "account", "export", account, "--out", str(out))
    assert "there already" in refused
    assert "no such account" in failing(csms, "account", "export", "nobody", "--out", str(tmp_path / "none.zip"))
    assert (out.read_bytes(), list(tmp_path.iterdir())) == (before, [out])


def test_an_archive_is_for_those_who_may_hand_data_out(csms: Csms) -> None:
    account = opened(csms, "CARD-Y", "3.00")
    path = f"/api/v1/accounts/{account}/export"
    for scopes, status in ((["accounts:read", "accounts:write"], 403), (["accounts:export"], 200)):
        made = csms.http.post("/api/v1/api-tokens", json={"name": "desk", "scopes": scopes}).json()
        headers = {"Authorization": f"Bearer {made['secret']}"}
        answer = csms.http.get(path, headers=headers)
        assert answer.status_code == status, answer.text
        zipped = (answer.headers["content-type"], answer.headers.get("cache-control"))
        assert (zipped == ("application/zip", "private, no-store")) is (status == 200)
    partner = csms.http.post("/api/v1/accounts", json={"kind": "partner", "currency": "EUR", "id": "XYZ"})
    refused = csms.http.get(f"/api/v1/accounts/{partner.json()['id']}/export")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_a_driver")


def test_a_driver_is_erased_in_two_steps_and_nothing_is_left_on_the_disk(csms: Csms) -> None:
    words = ("--kind", "credit", "--currency", "EUR", "--limit", "20", "--name", "Zacharias Vanishing")
    account = wattseal(csms, "account", "open", *words).strip()
    token = {"id_token": "VANISHING-CARD", "type": "ISO14443", "status": "Accepted", "account": account}
    assert csms.http.post("/api/v1/tokens", json=token).is_success
    seen = wattseal(csms, "privacy", "erase", account)
    assert "nothing was changed" in seen
    assert shown(csms, account)["payer"]["name"] == "Zacharias Vanishing"
    assert "look at it again" in failing(csms, "privacy", "erase", account, "--confirm", "0" * 12)
    code = seen.split("--confirm ")[1].strip()
    assert "erased" in wattseal(csms, "privacy", "erase", account, "--confirm", code)
    assert (shown(csms, account)["payer"], shown(csms, account)["status"]) == (None, "closed")
    deadline = time.monotonic() + WITHIN_S
    while on_disk(csms, b"vanishing"):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    made = csms.http.post("/api/v1/api-tokens", json={"name": "desk", "scopes": ["accounts:export", "accounts:write"]})
    headers = {"Authorization": f"Bearer {made.json()['secret']}"}
    path = f"/api/v1/accounts/{account}/erasure"
    assert csms.http.get(path, headers=headers).status_code == 403
    assert csms.http.post(path, headers=headers, json={"code": code}).status_code == 403


def on_disk(csms: Csms, word: bytes) -> list[str]:
    files = csms.data.glob("journal.sqlite3*")
    return [file.name for file in files if word in file.read_bytes().lower()]
