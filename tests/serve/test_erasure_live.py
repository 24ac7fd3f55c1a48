"""A person is erased at a running CSMS: the journal's files say nothing of them, the directory still proves."""

from decimal import Decimal
from pathlib import Path

from tests.serve.test_accounts_live import SETTINGS, ended, metered, on_disk, shown, until, wattseal
from tests.serve.test_accounts_live import now as at
from tests.serve.test_disputes_api import TARIFF
from tests.support.csms import Csms, serving
from tests.support.stations import ask, dialled

from wattseal.app.fsck import run_fsck


def posted(csms: Csms, body: dict[str, str]) -> None:
    made = csms.http.post("/api/v1/ledger/postings", json=body)
    assert made.status_code == 201, made.text


async def test_a_driver_who_charged_is_erased_and_the_directory_proves(tmp_path: Path) -> None:
    with serving(tmp_path, witnesses=("MSP",), settings=SETTINGS) as csms:
        assert csms.http.put("/api/v1/tariffs/T1", json=TARIFF).status_code == 200
        csms.enrol("D1")
        words = ("--kind", "prepaid", "--currency", "EUR", "--name", "Vanishing Person")
        account = wattseal(csms, "account", "open", *words).strip()
        money = {"account": f"customer/{account}", "currency": "EUR", "reason": "by bank transfer"}
        posted(csms, money | {"kind": "top_up", "amount": "8.00", "reference": "in"})
        token = {"id_token": "VANISHING-CARD", "type": "ISO14443", "status": "Accepted", "account": account}
        assert csms.http.post("/api/v1/tokens", json=token).is_success
        with dialled(csms, "D1") as socket:
            start = {"connectorId": 1, "idTag": "VANISHING-CARD", "meterStart": 0, "timestamp": at()}
            number = ask(socket, "StartTransaction", start)["transactionId"]
            metered(socket, number, 5000)
            ended(socket, number, 5200)
        until(lambda: shown(csms, account)["held"] == "0.00" and shown(csms, account)["balance"] != "8.00")
        balance = Decimal(shown(csms, account)["balance"])
        posted(csms, money | {"kind": "payout", "amount": f"{balance:.2f}", "reference": "out"})
        (session,) = csms.http.get("/api/v1/transactions").json()
        address = f"/api/v1/transactions/{session['id']}/bundle"
        until(lambda: csms.http.get(address).status_code == 200)
        before = csms.http.get(address)
        assert on_disk(csms, b"vanishing")
        plan = wattseal(csms, "privacy", "erase", account)
        wattseal(csms, "privacy", "erase", account, "--confirm", plan.split("--confirm ")[1].strip())
        until(lambda: not on_disk(csms, b"vanishing"))
        after = csms.http.get(address)
        assert before.status_code == after.status_code
    checked = await run_fsck(csms.data, trust_file=None)
    assert checked.findings == ()
    assert checked.records > 5
