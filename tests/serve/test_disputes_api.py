"""Disputes over HTTP: one charge with its bundle, disputed with the genuine one, a tampered one and with garbage."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from msgspec import structs
from tests.support.csms import Csms, serving
from tests.support.stations import ask, dialled
from tests.support.worlds import sealed_charge

from wattseal.bundle.format import parse_bundle
from wattseal.seal import dcbor
from wattseal.seal.fields import Meter
from wattseal.seal.groups import Content
from wattseal.seal.item import Group

PATH = "/api/v1/disputes"
TARIFF = {
    "country_code": "DE",
    "party_id": "CPO",
    "id": "T1",
    "currency": "EUR",
    "elements": [{"price_components": [{"type": "ENERGY", "price": 0.50, "vat": 20.0, "step_size": 1}]}],
    "last_updated": "2026-01-01T00:00:00Z",
}


@dataclass(frozen=True)
class Charged:
    """A CSMS with one ended charge, 10 kWh, and its bundle."""

    csms: Csms
    transaction: str
    bundle: bytes


@pytest.fixture(scope="module")
def charged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Charged]:
    with serving(tmp_path_factory.mktemp("disputes"), witnesses=("MSP",)) as csms:
        assert csms.http.put("/api/v1/tariffs/T1", json=TARIFF).status_code == 200
        csms.token("CARD")
        csms.enrol("D1")
        with dialled(csms, "D1") as socket:
            start = {"connectorId": 1, "idTag": "CARD", "meterStart": 1000, "timestamp": "2026-11-01T10:00:00Z"}
            number = ask(socket, "StartTransaction", start)["transactionId"]
            stop = {"transactionId": number, "meterStop": 11_000, "timestamp": "2026-11-01T11:00:00Z"}
            ask(socket, "StopTransaction", stop)
        transaction = str(csms.transaction("D1")["id"])
        yield Charged(csms, transaction, csms.bundle(transaction))


def opened(csms: Csms, bundle: bytes, *statuses: int, **more: Any) -> dict[str, Any]:
    body = {"bundle": base64.b64encode(bundle).decode(), "reason": "other_energy", **more}
    answer = csms.http.post(PATH, json=body)
    assert answer.status_code in (statuses or (200, 201)), answer.text
    found: dict[str, Any] = answer.json()
    return found


def tampered(bundle: bytes) -> bytes:
    """Return the bundle with the register at the end, as it is shown, 1 kWh lower."""
    parsed = parse_bundle(bundle)
    end = parsed.items[-1].hash
    changed = []
    for opening in parsed.openings:
        if (opening.payload_hash, opening.gid) == (end, Group.METER):
            content = Content.decode(opening.content)
            lower = replace_register(content)
            changed.append(structs.replace(opening, content=lower.encode()))
        else:
            changed.append(opening)
    return replace(parsed, openings=tuple(changed)).encode()


def replace_register(content: Content) -> Content:
    meter = Meter.read(content.fields)
    return Content(content.readers, Meter(meter.register_wh - 1000, meter.obis).to_fields())


def test_a_dispute_shows_both_sides_and_where_they_first_differ(charged: Charged) -> None:
    made = opened(charged.csms, tampered(charged.bundle), text="I charged 9 kWh")
    assert made["transaction"] == charged.transaction
    assert made["verdict"] == "INVALID"
    assert made["failing"]["reason"] == "commitment_mismatch"
    shown = charged.csms.http.get(f"{PATH}/{made['id']}").json()
    assert shown["theirs"]["verdict"] == "INVALID"
    assert [s["result"] for s in shown["theirs"]["steps"] if s["name"] == "commitments"] == ["failed"]
    assert shown["ours"]["verdict"] in {"VALID", "INCOMPLETE"}
    assert all(step["result"] != "failed" for step in shown["ours"]["steps"])
    first = shown["differences"][0]
    assert (first["field"], first["theirs"], first["ours"]) == ("register_wh", "10000", "11000")
    assert "D1 stream 1" in first["record"]


def test_the_genuine_bundle_differs_in_nothing(charged: Charged) -> None:
    made = opened(charged.csms, charged.bundle, currency="EUR", total_incl_vat="5.00")
    shown = charged.csms.http.get(f"{PATH}/{made['id']}").json()
    assert shown["differences"] == []
    assert (shown["currency"], shown["total_incl_vat"]) == ("EUR", "5.00")
    assert shown["due_at_ms"] > shown["opened_at_ms"]
    assert shown["late"] is False


def test_the_same_bundle_again_is_the_same_dispute(charged: Charged) -> None:
    bundle = charged.bundle
    first = opened(charged.csms, tampered(tampered(bundle)), 201)
    assert opened(charged.csms, tampered(tampered(bundle)), 200)["id"] == first["id"]
    listed = charged.csms.http.get(PATH, params={"is_open": True}).json()
    assert [one["id"] for one in listed].count(first["id"]) == 1
    assert charged.csms.http.get(f"{PATH}/{first['id']}/bundle").content == tampered(tampered(bundle))


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"bundle": "!!!!", "reason": "x"}, 422, "bad_base64"),
        ({"bundle": base64.b64encode(b"nothing").decode(), "reason": "x"}, 422, "bad_cbor"),
        ({"bundle": base64.b64encode(dcbor.encode({0: "wsb1"})).decode(), "reason": "x"}, 422, "bad_cbor"),
        ({"bundle": "AAAA", "reason": ""}, 422, "bad_input"),
        ({"bundle": "AAAA", "reason": "x", "currency": "EUR"}, 422, "bad_field"),
        ({"bundle": "AAAA", "reason": "x", "currency": "EUR", "total_incl_vat": "1e5"}, 422, "bad_input"),
    ],
)
def test_garbage_opens_nothing(charged: Charged, body: dict[str, Any], status: int, code: str) -> None:
    before = charged.csms.http.get(PATH).json()
    answer = charged.csms.http.post(PATH, json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert charged.csms.http.get(PATH).json() == before


def test_who_may_only_open_sees_only_ones_own_and_no_energy(charged: Charged) -> None:
    csms = charged.csms
    made = csms.http.post("/api/v1/api-tokens", json={"name": "MSP", "scopes": ["disputes:open"]}).json()
    partner = {"Authorization": f"Bearer {made['secret']}"}
    another = opened(csms, tampered(charged.bundle))
    assert csms.http.get(f"{PATH}/{another['id']}", headers=partner).status_code == 404
    assert csms.http.get(PATH, headers=partner).status_code == 403
    body = {"bundle": base64.b64encode(tampered(charged.bundle)).decode(), "reason": "other_energy"}
    own = csms.http.post(PATH, json=body, headers=partner).json()
    assert own["opened_by"].startswith("MSP ")
    shown = csms.http.get(f"{PATH}/{own['id']}", headers=partner).json()
    assert shown["differences"][0]["field"] == "register_wh"
    assert shown["differences"][0]["ours"] is None
    assert shown["ours"]["energy_wh"] is None


def test_a_bundle_of_a_session_that_is_not_known_here_is_kept_and_says_so(charged: Charged) -> None:
    made = opened(charged.csms, sealed_charge().bundle.encode())
    assert made["transaction"] is None
    shown = charged.csms.http.get(f"{PATH}/{made['id']}").json()
    assert (shown["ours"], shown["no_bundle_of_ours"]) == (None, "unknown")


def test_a_dispute_is_decided_once_by_a_person_and_signed(charged: Charged) -> None:
    csms = charged.csms
    made = opened(csms, tampered(tampered(tampered(charged.bundle))))
    path, body = f"{PATH}/{made['id']}/decision", {"verdict": "rejected", "text": "altered", "person": "Kim Lee"}
    decided = csms.http.post(path, json=body)
    assert decided.status_code == 200, decided.text
    decision = decided.json()["decision"]
    assert (decision["verdict"], decision["person"]) == ("rejected", "Kim Lee (admin)")
    assert len(decision["record"]) == 64
    again = csms.http.post(path, json=body)
    assert (again.status_code, again.json()["code"]) == (409, "already_decided")
    assert made["id"] not in {one["id"] for one in csms.http.get(PATH, params={"is_open": True}).json()}


def test_what_was_never_billed_cannot_be_taken_back(charged: Charged) -> None:
    made = opened(charged.csms, sealed_charge().bundle.encode())
    body = {"verdict": "upheld", "text": "yes", "person": "Kim Lee"}
    answer = charged.csms.http.post(f"{PATH}/{made['id']}/decision", json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_billed")
    assert charged.csms.http.post(f"{PATH}/none/decision", json=body).status_code == 404
