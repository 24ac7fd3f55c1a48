"""Money onto a prepaid account and back, over HTTP with the embedded provider, where its answers get lost as well."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.serve.test_paying_on_the_spot import Driver, browsers_closed, csms_taking, until
from tests.support.csms import Csms

__all__ = ["browsers_closed"]


@pytest.fixture(scope="module")
def csms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Csms]:
    with csms_taking(tmp_path_factory.mktemp("wallets")) as running:
        yield running


@pytest.fixture
def account(csms: Csms) -> str:
    made = csms.http.post("/api/v1/accounts", json={"kind": "prepaid", "currency": "EUR"})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def top_up(csms: Csms, account: str, amount: str, press: str = "approve") -> dict[str, Any]:
    """Begin a payment, press a button at the provider, and return what became of it."""
    begun = csms.http.post(f"/api/v1/accounts/{account}/top-ups", json={"amount": amount})
    assert begun.status_code == 201, begun.text
    Driver(csms).pay(begun.json()["url"], press)
    path = f"/api/v1/payments/{begun.json()['id']}"
    under_way = {"created", "pending", "authorised", "capture_unknown", "cancel_unknown"}

    def ended() -> Any:
        found = csms.http.get(path).json()
        return None if found["state"] in under_way else found

    found: dict[str, Any] = until(ended)
    return found


def balance(csms: Csms, account: str) -> str:
    lines = csms.http.get("/api/v1/ledger/balances", params={"prefix": f"customer/{account}"}).json()
    return str(lines[0]["balance"]) if lines else "0.00"


def test_what_was_paid_is_on_the_account_and_what_is_left_goes_back(csms: Csms, account: str) -> None:
    assert top_up(csms, account, "20.00")["state"] == "captured"
    assert top_up(csms, account, "10.00")["captured"] == "10.00"
    assert balance(csms, account) == "30.00"
    given = csms.http.post(f"/api/v1/accounts/{account}/refunds", json={"amount": "12.50"})
    assert given.status_code == 200, given.text
    assert [(one["amount"], one["refunded"]) for one in given.json()] == [("10.00", "10.00"), ("20.00", "2.50")]
    assert balance(csms, account) == "17.50"
    too_much = csms.http.post(f"/api/v1/accounts/{account}/refunds", json={"amount": "17.51"})
    assert (too_much.status_code, too_much.json()["code"]) == (409, "not_refundable")
    assert csms.http.post(f"/api/v1/accounts/{account}/refunds", json={}).status_code == 200
    assert balance(csms, account) == "0.00"


def test_a_capture_whose_answer_is_lost_is_found_out_and_booked_once(csms: Csms, account: str) -> None:
    found = top_up(csms, account, "15.05")
    assert (found["state"], found["captured"]) == ("captured", "15.05")
    assert balance(csms, account) == "15.05"


def test_what_is_told_twice_is_booked_once(csms: Csms, account: str) -> None:
    assert top_up(csms, account, "15.07")["state"] == "captured"
    assert balance(csms, account) == "15.07"


@pytest.mark.parametrize(("amount", "code"), [("15.02", "insufficient_funds"), ("15.09", "expired_card")])
def test_what_is_refused_is_not_on_the_account(csms: Csms, account: str, amount: str, code: str) -> None:
    found = top_up(csms, account, amount)
    assert (found["state"], found["code"], found["captured"]) == ("failed", code, "0.00")
    assert balance(csms, account) == "0.00"


def test_only_prepaid_accounts_take_payments_and_only_amounts(csms: Csms, account: str) -> None:
    credit = csms.http.post("/api/v1/accounts", json={"kind": "credit", "currency": "EUR", "limit": "10"}).json()["id"]
    refused = csms.http.post(f"/api/v1/accounts/{credit}/top-ups", json={"amount": "5"})
    assert (refused.status_code, refused.json()["code"]) == (409, "not_prepaid")
    for amount in ("0", "1.001", "-1", "NaN"):
        assert csms.http.post(f"/api/v1/accounts/{account}/top-ups", json={"amount": amount}).status_code == 422
