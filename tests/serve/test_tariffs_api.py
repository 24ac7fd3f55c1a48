"""Tariffs over HTTP: set, listed, assigned, refused with the field at fault, removed when nothing needs them."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.cpo_process import Cpo, Nursery

SITE: dict[str, Any] = {
    "name": "Harbour",
    "address": "Quay 1",
    "city": "Sample Town",
    "country": "DEU",
    "latitude": "53.55000",
    "longitude": "9.99000",
    "time_zone": "Europe/Berlin",
}


def tariff(tariff_id: str, per_kwh: float = 0.42, **more: Any) -> dict[str, Any]:
    return {
        "country_code": "DE",
        "party_id": "CPO",
        "id": tariff_id,
        "currency": "EUR",
        "elements": [{"price_components": [{"type": "ENERGY", "price": per_kwh, "vat": 20, "step_size": 1}]}],
        "last_updated": "2026-01-01T00:00:00Z",
    } | more


@pytest.fixture(scope="module")
def cpo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cpo]:
    nursery = Nursery()
    made = nursery.start(tmp_path_factory.mktemp("tariffs") / "cpo")
    assert made.ask("PUT", "/api/v1/sites/harbour", SITE).status == 200
    for station in ({"id": "S1", "site": "harbour"}, {"id": "S2"}):
        assert made.ask("POST", "/api/v1/stations", {"password": "secret-password"} | station).status == 201
    card = {"id_token": "CARD", "type": "ISO14443", "status": "Accepted", "group": {"id_token": "FLEET"}}
    assert made.ask("POST", "/api/v1/tokens", card).status in {200, 201}
    for name in ("BASE", "SITE", "FLEET"):
        assert made.ask("PUT", f"/api/v1/tariffs/{name}", tariff(name)).status == 200
    yield made
    nursery.close()


def assign(cpo: Cpo, tariff_id: str, level: str, name: str = "") -> int:
    return cpo.ask("PUT", f"/api/v1/tariffs/{tariff_id}/assignments", {"level": level, "name": name}).status


def applies(cpo: Cpo, station: str, query: str = "") -> tuple[str | None, str | None]:
    shown = cpo.ask("GET", f"/api/v1/stations/{station}/tariff{query}").json()
    return shown["tariff_id"], shown["level"]


def test_which_tariff_applies_and_why_is_shown(cpo: Cpo) -> None:
    assert applies(cpo, "S1") == ("BASE", "cpo"), "the first one set"
    assert assign(cpo, "SITE", "site", "harbour") == 200
    assert assign(cpo, "FLEET", "group", "FLEET") == 200
    assert applies(cpo, "S1") == ("SITE", "site")
    assert applies(cpo, "s1", "?id_token=card") == ("FLEET", "group")
    assert applies(cpo, "S2") == ("BASE", "cpo")
    shown = cpo.ask("GET", "/api/v1/stations/S1/tariff").json()
    assert shown["passed"] == [
        {"level": level, "why": "not_assigned", "tariff_id": None} for level in ("token", "group", "station")
    ]
    assert shown["tariff"]["elements"][0]["price_components"][0]["price"] == 0.42
    assert cpo.ask("GET", "/api/v1/stations/S1/tariff?id_token=NOBODY").status == 404
    assert cpo.ask("GET", "/api/v1/stations/NOWHERE/tariff").status == 404


def test_tariffs_are_listed_with_their_records_and_versions(cpo: Cpo) -> None:
    assert cpo.ask("PUT", "/api/v1/tariffs/LISTED", tariff("LISTED", 0.10)).status == 200
    second = cpo.ask("PUT", "/api/v1/tariffs/LISTED", tariff("LISTED", 0.20)).json()
    planned = tariff("LISTED", 0.30, start_date_time="2099-01-01T00:00:00Z")
    third = cpo.ask("PUT", "/api/v1/tariffs/LISTED", planned).json()
    assert (third["in_force"], third["announced"][0]["record"]) == (second["record"], third["record"])
    versions = cpo.ask("GET", "/api/v1/tariffs/listed/versions").json()
    assert [v["record"] for v in versions][1:] == [second["record"], third["record"]]
    assert cpo.ask("GET", "/api/v1/tariffs/LISTED/versions?limit=1").headers["link"]
    (row,) = (row for row in cpo.ask("GET", "/api/v1/tariffs").json() if row["id"] == "LISTED")
    assert row["assigned"] == {"token": 0, "group": 0, "station": 0, "site": 0, "cpo": 0}
    assert cpo.ask("GET", "/api/v1/tariffs/NONE/versions").status == 404
    assert cpo.ask("GET", "/api/v1/tariffs/LISTED").json()["tariff"]["start_date_time"] == "2099-01-01T00:00:00Z"


def test_a_tariff_is_removed_when_nothing_has_it(cpo: Cpo) -> None:
    assert cpo.ask("PUT", "/api/v1/tariffs/GONE", tariff("GONE")).status == 200
    assert assign(cpo, "GONE", "station", "S2") == 200
    refused = cpo.ask("DELETE", "/api/v1/tariffs/GONE")
    assert (refused.status, refused.json()["code"]) == (409, "tariff_in_use")
    assert cpo.ask("DELETE", "/api/v1/tariffs/BASE/assignments/station?name=S2").status == 404, "it has another one"
    assert cpo.ask("DELETE", "/api/v1/tariffs/GONE/assignments/station?name=S2").status == 204
    assert cpo.ask("DELETE", "/api/v1/tariffs/GONE").status == 204
    assert cpo.ask("GET", "/api/v1/tariffs/GONE").status == 404
    assert len(cpo.ask("GET", "/api/v1/tariffs/GONE/versions").json()) == 1, "its record stays"


def test_who_may_not_read_tokens_sees_no_group_or_token(cpo: Cpo) -> None:
    assert assign(cpo, "FLEET", "token", "CARD") == 200
    assert [a["level"] for a in cpo.ask("GET", "/api/v1/tariffs/FLEET/assignments").json()] == ["group", "token"]
    made = cpo.ask("POST", "/api/v1/api-tokens", {"name": "prices", "scopes": ["tariffs:read", "stations:read"]}).json()
    reader = {"Authorization": f"Bearer {made['secret']}"}
    assert cpo.ask("GET", "/api/v1/tariffs/FLEET/assignments", **reader).json() == []
    assert cpo.ask("GET", "/api/v1/stations/S1/tariff?id_token=CARD", **reader).status == 403
    assert cpo.ask("GET", "/api/v1/stations/S1/tariff", **reader).status == 200
    assert cpo.ask("PUT", "/api/v1/tariffs/T", tariff("T"), **reader).status == 403
    assert cpo.ask("DELETE", "/api/v1/tariffs/FLEET/assignments/token?name=CARD").status == 204


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/api/v1/tariffs/base", tariff("base"), 409, "tariff_spelled_otherwise"),
        ("/api/v1/tariffs/T", tariff("T", currency="eur"), 422, "tariff_not_priceable"),
        ("/api/v1/tariffs/T?time_zone=Moon/Base", tariff("T"), 422, "bad_time_zone"),
        ("/api/v1/tariffs/NONE/assignments", {"level": "cpo"}, 404, "unknown_tariff"),
        ("/api/v1/tariffs/BASE/assignments", {"level": "site", "name": "nowhere"}, 422, "no_such_site"),
        ("/api/v1/tariffs/BASE/assignments", {"level": "galaxy"}, 422, "bad_input"),
    ],
)
def test_what_cannot_be_is_refused_with_its_code(cpo: Cpo, path: str, body: Any, status: int, code: str) -> None:
    refused = cpo.ask("PUT", path, body)
    assert (refused.status, refused.json()["code"]) == (status, code)


def test_times_and_days_need_a_zone(cpo: Cpo) -> None:
    night = tariff("NIGHT")
    night["elements"][0]["restrictions"] = {"start_time": "22:00", "end_time": "06:00"}
    refused = cpo.ask("PUT", "/api/v1/tariffs/NIGHT", night)
    assert (refused.json()["code"], refused.json()["field"]) == ("time_zone_needed", "time_zone")


def test_a_tariff_with_taxes_in_its_prices_is_ocpi_2_3_0_alone(cpo: Cpo) -> None:
    gross = tariff("GROSS", tax_included="YES", min_price={"before_taxes": 1, "after_taxes": 1.2})
    assert cpo.ask("PUT", "/api/v1/tariffs/GROSS?ocpi=2.3.0", gross).status in {200, 422}
    untaxed = tariff("NA", tax_included="N/A")
    untaxed["elements"] = [{"price_components": [{"type": "FLAT", "price": 0, "step_size": 1}]}]
    del untaxed["tax_included"]
    refused = cpo.ask("PUT", "/api/v1/tariffs/NA?ocpi=2.3.0", untaxed)
    assert (refused.status, refused.json()["code"]) == (422, "bad_ocpi"), "2.3.0 says what its prices are"
    assert cpo.ask("PUT", "/api/v1/tariffs/NA?ocpi=1.0", untaxed).status == 422
    made = cpo.ask("PUT", "/api/v1/tariffs/NA?ocpi=2.3.0", untaxed | {"tax_included": "NO"})
    assert made.status == 200
    assert made.json()["tariff"]["tax_included"] == "NO"
    assert "tax_included" not in cpo.ask("GET", "/api/v1/tariffs/NA").json()["tariff"]
    assert cpo.ask("GET", "/api/v1/tariffs/NA?ocpi=2.3.0").json()["tariff"] == untaxed | {"tax_included": "NO"}
