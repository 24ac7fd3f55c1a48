"""The network's pages on a real CSMS with stations on real sockets: what they show, and what reaches a station."""

from collections.abc import Iterator

import pytest
from tests.support.csms import Csms
from tests.support.stations import ask, dialled
from tests.web.support import Browser, browser, dashboard
from websockets.sync.client import ClientConnection

HOSTILE = "\"><script>alert('1')</script>\u202e<img src=x>"
SITE = {
    "address": "Weg 1",
    "city": "Berlin",
    "country": "DEU",
    "latitude": "52.52500",
    "longitude": "13.36900",
    "time_zone": "Europe/Berlin",
}


@pytest.fixture(scope="module")
def csms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Csms]:
    with dashboard(tmp_path_factory.mktemp("network"), witnesses=("WITA",)) as running:
        yield running


@pytest.fixture
def owner(csms: Csms) -> Browser:
    return browser(csms, "owner")


def at_site(csms: Csms, station: str, site: str, name: str, **more: str) -> str:
    csms.enrol(station)
    assert csms.http.put(f"/api/v1/sites/{site}", json={**SITE, "name": name, **more}).status_code == 200
    assert csms.http.post("/api/v1/stations", json={"id": station, "site": site}).status_code == 200
    return station


def boot(socket: ClientConnection, model: str = "One") -> None:
    ask(socket, "BootNotification", {"chargePointVendor": "ACME", "chargePointModel": model})


def status(socket: ClientConnection, connector: int, told: str, **more: str) -> None:
    ask(socket, "StatusNotification", {"connectorId": connector, "errorCode": "NoError", "status": told, **more})


def test_the_network_lists_stations_with_what_they_do_now(csms: Csms, owner: Browser) -> None:
    at_site(csms, "N1", "B", "Berlin")
    at_site(csms, "N2", "HH", "Hamburg", latitude="53.54000", longitude="9.98000")
    assert "N1 \u00d7 Offline" in owner.seen("/network?q=N1")
    with dialled(csms, "N1") as socket:
        boot(socket)
        status(socket, 1, "Available")
        assert "N1 ✓ Available 1 Available Berlin ACME One" in owner.seen("/network?q=n1")
        status(socket, 1, "Faulted")
        assert "N1 ! Faulted" in owner.seen("/network?status=faulted")
        assert "N2" not in owner.seen("/network?status=faulted")
    assert "N2 \u00d7 Offline" in owner.seen("/network?q=hamburg+n2&site=HH")
    assert "No station is like that" in owner.seen("/network?q=nowhere")


def test_sites_that_stand_close_are_one_mark_that_comes_apart_nearer(csms: Csms, owner: Browser) -> None:
    at_site(csms, "C1", "C-1", "Lisboa", latitude="38.72000", longitude="-9.14000")
    at_site(csms, "C2", "C-2", "Oeiras", latitude="38.69000", longitude="-9.31000")
    far, near = (owner.page(f"/network?q=C&at=38.7,-9.2,{zoom}") for zoom in (4, 10))
    assert 'aria-label="Lisboa +1: 2 stations' in far
    assert 'aria-label="Lisboa: 1 stations' in near
    assert 'aria-label="Oeiras: 1 stations' in near
    assert owner.page("/network?at=nan,1,inf").count('class="land"') == 1


def test_what_people_and_stations_call_themselves_is_text(csms: Csms, owner: Browser) -> None:
    at_site(csms, "H1", "EVIL", HOSTILE)
    with dialled(csms, "H1") as socket:
        boot(socket, "<script>alert(2)")
        page = owner.page(f"/network?q={HOSTILE}")
        listed = owner.page("/network?q=H1")
    assert "<script>alert" not in page + listed
    assert "<img src=x" not in page + listed
    assert "&lt;script&gt;alert(2)" in listed


def test_nobody_sees_more_than_the_roles_allow(csms: Csms) -> None:
    partner = browser(csms, "partner")
    for path in ("/network",):
        assert "You may not see this" in partner.seen(path, 403)
    assert "/network" not in partner.page("/")
    nobody = browser(csms, "nobody")
    assert nobody.ask("GET", "/network").headers["location"] == "/login?next=%2Fnetwork"
