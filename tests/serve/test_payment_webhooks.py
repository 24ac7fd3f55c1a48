"""Webhooks to a real process: forged, replayed, late and misdirected ones, and what an API body may not hold."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.serve.test_paying_on_the_spot import TARIFF
from tests.support.csms import ENVIRONMENT, Csms, serving
from tests.support.forking import wattseal_command

from wattseal.rules.webhook_signatures import sign

PATH = "/webhooks/payments/stripe"
SECRET, KEY = "whsec_of_the_test", "sk_test_of_the_test"
SETTINGS = (
    '[payments]\nprovider = "stripe"\nad_hoc = "30"\nstripe_address = "http://127.0.0.1:9"\n'
    f'stripe_api_key = "{KEY}"\nstripe_webhook_secret = "{SECRET}"\n'
)


@pytest.fixture(scope="module")
def csms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Csms]:
    with serving(tmp_path_factory.mktemp("webhooks"), settings=SETTINGS) as running:
        assert running.http.put("/api/v1/tariffs/SPOT", json=TARIFF).status_code == 200
        yield running


def event(number: str, kind: str = "payment_intent.canceled", **more: Any) -> bytes:
    thing = {"id": f"pi_{number}", "object": "payment_intent", "status": "canceled", **more}
    return json.dumps({"id": f"evt_{number}", "type": kind, "data": {"object": thing}}).encode()


def tell(csms: Csms, body: bytes, header: str | None) -> httpx.Response:
    headers = {} if header is None else {"Stripe-Signature": header}
    return httpx.post(f"{csms.http.base_url}{PATH}", content=body, headers=headers, trust_env=False)


def now_s() -> int:
    return int(time.time())


def report(csms: Csms) -> list[dict[str, Any]]:
    today = time.strftime("%Y-%m-%dT", time.gmtime())
    query = {"since": f"{today}00:00:00Z", "until": f"{today}23:59:59Z"}
    answer = csms.http.get("/api/v1/payments/settlement-report", params=query)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    assert shown["provider_unreachable"], "Stripe is not there in this test, and the report says so"
    return [found for found in shown["differences"] if found["code"] == "webhook_unknown_payment"]


def test_what_was_not_signed_with_the_secret_just_now_is_refused_and_kept_nowhere(csms: Csms) -> None:
    body = event("forged")
    genuine = sign(SECRET, body, now_s())
    for header in (None, "", "t=1", sign("another secret", body, now_s()), sign(SECRET, body + b" ", now_s())):
        answer = tell(csms, body, header)
        assert (answer.status_code, answer.json()["code"]) == (401, "bad_signature"), header
    moved = genuine.replace(f"t={genuine.split(',')[0][2:]}", f"t={now_s() + 5}")
    assert tell(csms, body, moved).status_code == 401
    for at_s in (now_s() - 400, now_s() + 400):
        answer = tell(csms, body, sign(SECRET, body, at_s))
        assert (answer.status_code, answer.json()["code"]) == (401, "too_old")
    assert "pi_forged" not in [found["reference"] for found in report(csms)]
    assert tell(csms, body, genuine).status_code == 200, "the control: the same body, signed as it should be"


def test_a_message_about_a_payment_nobody_knows_is_a_finding_once_however_often_it_comes(csms: Csms) -> None:
    body = event("stranger", metadata={"wattseal_payment": "00" * 16})
    header = sign(SECRET, body, now_s())
    assert [tell(csms, body, header).status_code for _ in range(3)] == [200, 200, 200]
    assert [found["reference"] for found in report(csms)].count("pi_stranger") == 1


def test_what_is_no_event_or_too_long_or_for_nobody_is_said_to_be_so(csms: Csms) -> None:
    body = b"[]"
    answer = tell(csms, body, sign(SECRET, body, now_s()))
    assert (answer.status_code, answer.json()["code"]) == (422, "unreadable")
    assert tell(csms, b"x" * (256 * 1024 + 1), "t=1").status_code == 413
    nobody = httpx.post(f"{csms.http.base_url}/webhooks/payments/paypal", content=b"{}", trust_env=False)
    assert nobody.status_code == 404
    embedded = httpx.post(f"{csms.http.base_url}/pay/test/api/payments", json={}, trust_env=False)
    assert embedded.status_code in {401, 404, 422}
    assert csms.http.get("/readyz").status_code == 200


def test_the_number_of_a_card_is_taken_nowhere_and_secrets_are_printed_nowhere(csms: Csms) -> None:
    csms.enrol("CARDS")
    for number in ("4242424242424242", "4242 4242 4242 4242", "card_4242-4242", "pm_4242424242424242"):
        body = {"station_id": "CARDS", "evse_id": 1, "method": number}
        answer = csms.http.post("/api/v1/ad-hoc-payments", json=body)
        assert (answer.status_code, answer.json()["field"]) == (422, "method"), answer.text
    extra = csms.http.post("/api/v1/ad-hoc-payments", json={"station_id": "CARDS", "evse_id": 1, "card": "4242"})
    assert extra.status_code == 422
    text = (csms.data.parent / "cpo.log").read_text()
    assert SECRET not in text
    assert KEY not in text
    assert b"4242424242424242" not in b"".join(p.read_bytes() for p in csms.data.rglob("*") if p.is_file())


def test_payments_need_their_scopes(csms: Csms) -> None:
    made = csms.http.post("/api/v1/api-tokens", json={"name": "kiosk", "scopes": ["payments:write"]}).json()
    kiosk = {"Authorization": f"Bearer {made['secret']}"}
    base = str(csms.http.base_url)
    assert httpx.get(f"{base}/api/v1/payments", headers=kiosk, trust_env=False).status_code == 403
    body = {"station_id": "NOWHERE", "evse_id": 1}
    answer = httpx.post(f"{base}/api/v1/ad-hoc-payments", json=body, headers=kiosk, trust_env=False)
    assert (answer.status_code, answer.json()["code"]) == (404, "no_such_place")


def test_the_report_by_command_says_that_the_provider_does_not_answer(csms: Csms, tmp_path: Path) -> None:
    file = tmp_path / "differences.csv"
    period = ["--since", "2026-01-01T00:00:00Z", "--until", "2026-02-01T00:00:00Z"]
    words = ["--url", str(csms.http.base_url), "--token-file", str(csms.data / "admin-token"), *period]
    done = subprocess.run(  # noqa: S603 - our own program
        [*wattseal_command(), "payments", "report", *words, "--csv", str(file)],
        capture_output=True,
        text=True,
        check=False,
        env=ENVIRONMENT,
    )
    assert done.returncode == 2, done.stderr
    assert "the provider does not answer" in done.stdout
    assert file.read_bytes() == b"code,currency,ours,theirs,payment,reference,session\r\n"
