"""Accounts over HTTP: opened, changed, named by tokens, and their payers erased."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.cpo_process import Cpo, Nursery

PAYER: dict[str, Any] = {
    "name": "Jo Doe",
    "address": "Quay 1",
    "postal_code": "12345",
    "city": "Sample Town",
    "country": "DE",
    "vat_id": None,
    "email": "jo@example.org",
    "reference": None,
}


@pytest.fixture(scope="module")
def cpo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cpo]:
    nursery = Nursery()
    yield nursery.start(tmp_path_factory.mktemp("accounts") / "cpo")
    nursery.close()


def opened(cpo: Cpo, **body: Any) -> dict[str, Any]:
    answer = cpo.ask("POST", "/api/v1/accounts", body)
    assert answer.status == 201, answer.body
    told: dict[str, Any] = answer.json()
    return told


def test_an_account_is_opened_changed_and_closed(cpo: Cpo) -> None:
    made = opened(cpo, kind="credit", currency="EUR", limit="100.00", payer=PAYER)
    path = f"/api/v1/accounts/{made['id']}"
    assert (made["status"], made["limit"], made["payer"]) == ("open", "100.00", PAYER)
    changed = cpo.ask("PATCH", path, {"limit": "20", "text": "new contract"}).json()
    assert changed["limit"] == "20"
    assert changed["record"] != made["record"]
    assert cpo.ask("PATCH", path, {"status": "blocked"}).json()["status"] == "blocked"
    assert cpo.ask("PATCH", path, {"status": "closed"}).json()["status"] == "closed"
    refused = cpo.ask("PATCH", path, {"status": "open"})
    assert (refused.status, refused.json()["code"]) == (409, "account_closed")
    assert made["id"] in [one["id"] for one in cpo.ask("GET", "/api/v1/accounts").json()]


def test_a_payer_is_erased_and_the_account_stays(cpo: Cpo) -> None:
    made = opened(cpo, kind="prepaid", currency="EUR", payer=PAYER)
    path = f"/api/v1/accounts/{made['id']}"
    assert cpo.ask("DELETE", f"{path}/payer").status == 204
    assert cpo.ask("GET", path).json()["payer"] is None
    assert cpo.ask("DELETE", f"{path}/payer").status == 404
    assert cpo.ask("PUT", f"{path}/payer", PAYER).json()["payer"] == PAYER


def test_a_token_names_its_account(cpo: Cpo) -> None:
    made = opened(cpo, kind="prepaid", currency="EUR")
    token = {"id_token": "CARD-A", "type": "ISO14443", "status": "Accepted", "account": made["id"]}
    assert cpo.ask("POST", "/api/v1/tokens", token).json()["account"] == made["id"]
    refused = cpo.ask("POST", "/api/v1/tokens", token | {"account": "nobody"})
    assert (refused.status, refused.json()["field"]) == (404, "account")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "prepaid", "currency": "EUR", "limit": "5"}, "limit"),
        ({"kind": "credit", "currency": "EUR"}, "limit"),
        ({"kind": "credit", "currency": "euro", "limit": "5"}, "currency"),
        ({"kind": "credit", "currency": "EUR", "limit": "-5"}, "limit"),
        ({"kind": "partner", "currency": "EUR"}, "id"),
        ({"kind": "ad_hoc", "currency": "EUR"}, "kind"),
    ],
)
def test_what_no_account_can_be_is_refused_by_name(cpo: Cpo, body: dict[str, str], field: str) -> None:
    refused = cpo.ask("POST", "/api/v1/accounts", body)
    assert refused.status == 422
    assert field in refused.body.decode()
