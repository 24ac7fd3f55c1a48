"""Sites over HTTP: made, named by stations, kept while a station stands on them."""

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
    "host": "harbour-authority",
}


@pytest.fixture(scope="module")
def cpo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cpo]:
    nursery = Nursery()
    yield nursery.start(tmp_path_factory.mktemp("sites") / "cpo")
    nursery.close()


def test_a_station_stands_on_a_site_that_is_known(cpo: Cpo) -> None:
    station = {"id": "S1", "password": "secret-password", "site": "harbour"}
    refused = cpo.ask("POST", "/api/v1/stations", station)
    assert (refused.status, refused.json()["code"]) == (422, "no_such_site")
    assert cpo.ask("PUT", "/api/v1/sites/harbour", SITE).status == 200
    assert cpo.ask("POST", "/api/v1/stations", station).status == 201
    assert cpo.ask("GET", "/api/v1/stations/S1").json()["site"] == "harbour"
    shown = SITE | {"id": "harbour", "postal_code": None, "state": None, "fallback_a": None}
    assert cpo.ask("GET", "/api/v1/sites").json() == [shown]


def test_site_and_station_have_a_fallback_that_never_stops_charging(cpo: Cpo) -> None:
    assert cpo.ask("PUT", "/api/v1/sites/pier", SITE | {"fallback_a": 10.5}).json()["fallback_a"] == 10.5
    station = {"id": "S3", "password": "secret-password", "site": "pier", "fallback_a": 8}
    assert cpo.ask("POST", "/api/v1/stations", station).json()["fallback_a"] == 8
    for path, method, body in (("sites/pier", "PUT", SITE), ("stations", "POST", station)):
        refused = cpo.ask(method, f"/api/v1/{path}", body | {"fallback_a": 5})
        assert (refused.status, refused.json()["code"]) == (422, "bad_fallback")
    assert cpo.ask("POST", "/api/v1/stations", station | {"fallback_a": 0}).json()["fallback_a"] == 0
    assert cpo.ask("GET", "/api/v1/stations/S3/charging-limits").json()["fallbacks"] == []


def test_a_site_goes_only_when_no_station_stands_on_it(cpo: Cpo) -> None:
    assert cpo.ask("PUT", "/api/v1/sites/meadow", SITE).status == 200
    assert (
        cpo.ask("POST", "/api/v1/stations", {"id": "S2", "password": "secret-password", "site": "meadow"}).status == 201
    )
    refused = cpo.ask("DELETE", "/api/v1/sites/meadow")
    assert refused.json()["code"] == "site_in_use"
    assert "S2" in refused.json()["title"]
    assert cpo.ask("PUT", "/api/v1/sites/empty", SITE).status == 200
    assert cpo.ask("DELETE", "/api/v1/sites/empty").status == 204
    assert cpo.ask("GET", "/api/v1/sites/empty").status == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [({"time_zone": "Moon/Base"}, "time_zone"), ({"country": "Germany"}, "country"), ({"latitude": "x"}, "latitude")],
)
def test_what_is_no_place_is_refused_by_name(cpo: Cpo, change: dict[str, str], field: str) -> None:
    refused = cpo.ask("PUT", "/api/v1/sites/nowhere", SITE | change)
    assert 400 <= refused.status < 500
    assert field in refused.body.decode()
