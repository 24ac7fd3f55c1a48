"""The network's pages on a real CSMS with stations on real sockets: what they show, and what reaches a station."""

import io
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.support.csms import COSIGNED_WITHIN_S, Csms, serving
from tests.support.stations import ANSWERED_WITHIN_S, answer_to, ask, call, dialled
from tests.web.support import Browser, browser, nobody, words
from websockets.sync.client import ClientConnection

from wattseal.cli.main import run

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
    with serving(tmp_path_factory.mktemp("network"), witnesses=("WITA",)) as running:
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
        assert "Stations connected 1 of" in owner.seen("/")
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


def test_a_station_shows_its_evses_and_the_session_with_its_power(csms: Csms, owner: Browser) -> None:
    csms.enrol("E1")
    csms.token("TAG-E1")
    with dialled(csms, "E1") as socket:
        boot(socket)
        status(socket, 1, "Charging")
        assert "Occupied Charging since" in owner.seen("/stations/E1")
        number = begun(socket, "TAG-E1")
        metered(socket, number, 1500, 11040)
        said = owner.seen("/stations/e1")
        assert "Power 11.0 kW Energy so far 500 Wh Token tag-e1" in said
        assert f"Session {csms.transaction('E1')['id'][:8]}" in said
        finance = browser(csms, "finance").seen("/stations/E1")
        assert "Power 11.0 kW" in finance
        assert "tag-e1" not in finance
    assert "not connected" in owner.seen("/stations/E1")
    assert "there is no such station" in owner.seen("/stations/NONE", 404)


def begun(socket: ClientConnection, token: str) -> int:
    start = {"connectorId": 1, "idTag": token, "meterStart": 1000, "timestamp": now()}
    number: int = ask(socket, "StartTransaction", start)["transactionId"]
    return number


def metered(socket: ClientConnection, number: int, register_wh: int, power_w: int) -> None:
    values = [
        {"value": str(register_wh), "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
        {"value": str(power_w), "measurand": "Power.Active.Import", "unit": "W"},
    ]
    told = {"connectorId": 1, "transactionId": number, "meterValue": [{"timestamp": now(), "sampledValue": values}]}
    ask(socket, "MeterValues", told)


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@contextmanager
def answering(socket: ClientConnection, answer: dict[str, Any]) -> Iterator[list[Any]]:
    """Have a station answer whatever it is called with meanwhile; the calls are in the list."""
    heard: list[Any] = []

    def listen() -> None:
        frame = json.loads(socket.recv(ANSWERED_WITHIN_S))
        heard.append(frame[2:])
        socket.send(json.dumps([3, frame[1], answer]))

    thread = threading.Thread(target=listen)
    thread.start()
    yield heard
    thread.join()


def test_a_command_is_confirmed_then_reaches_the_station_and_its_answer_is_shown(csms: Csms, owner: Browser) -> None:
    csms.enrol("K1")
    with dialled(csms, "K1") as socket:
        boot(socket)
        order = {"what": "reset", "kind": "Hard", "evse": ""}
        asked = owner.send("/stations/K1/commands/check", **order)
        assert "Restart: send this to K1?" in words(asked.text)
        unconfirmed = owner.send("/stations/K1/commands", **order)
        assert unconfirmed.status_code == 422
        with answering(socket, {"status": "Accepted"}) as heard:
            sent = owner.send("/stations/K1/commands", **order, confirmed="yes")
        assert heard == [["Reset", {"type": "Hard"}]]
        assert sent.status_code == 303
        said = owner.seen(sent.headers["location"])
        assert 'Reset : Accepted { "status": "Accepted" }' in said
        assert "Reset Kim owner Accepted after" in said


def test_any_call_is_held_against_the_schema_before_it_is_sent(csms: Csms, owner: Browser) -> None:
    csms.enrol("K2")
    with dialled(csms, "K2") as socket:
        boot(socket)
        order = {"what": "any", "action": "GetConfiguration", "confirmed": "yes"}
        wrong = owner.send("/stations/K2/commands", **order, payload='{"key": 7}')
        assert wrong.status_code == 422
        assert "GetConfiguration" in words(wrong.text)
        assert owner.send("/stations/K2/commands", **order, payload="[]").status_code == 422
        with answering(socket, {"unknownKey": [HOSTILE]}) as heard:
            sent = owner.send("/stations/K2/commands", **order, payload='{"key": ["Hostile"]}')
        assert heard == [["GetConfiguration", {"key": ["Hostile"]}]]
        shown = owner.page(sent.headers["location"])
        assert "<script>alert" not in shown
        assert "&lt;script&gt;alert" in shown


def test_a_session_is_started_and_stopped_from_the_page(csms: Csms, owner: Browser) -> None:
    csms.enrol("K3")
    csms.token("TAG-K3")
    with dialled(csms, "K3") as socket:
        boot(socket)
        refused = owner.send("/stations/K3/commands", what="remote-start", confirmed="yes", id_token="UNKNOWN")
        assert "this token may not charge here" in words(refused.text)
        with answering(socket, {"status": "Accepted"}) as heard:
            owner.send("/stations/K3/commands", what="remote-start", confirmed="yes", id_token="TAG-K3", evse="1")
        assert heard[0][1] == {"idTag": "TAG-K3", "connectorId": 1}
        number = begun(socket, "TAG-K3")
        session = str(csms.transaction("K3")["id"])
        assert f'value="{session}"' in owner.page("/stations/K3/commands")
        with answering(socket, {"status": "Accepted"}) as heard:
            owner.send("/stations/K3/commands", what="remote-stop", confirmed="yes", transaction=session)
        assert heard == [["RemoteStopTransaction", {"transactionId": number}]]


def test_a_station_that_is_away_gets_no_command_and_the_page_says_so(csms: Csms, owner: Browser) -> None:
    csms.enrol("K4")
    sent = owner.send("/stations/K4/commands", what="clear-cache", confirmed="yes")
    assert "nothing was sent" in owner.seen(sent.headers["location"])


def test_commands_need_a_form_of_the_session_and_a_role(csms: Csms, owner: Browser) -> None:
    csms.enrol("K5")
    order = {"what": "reset", "kind": "Hard", "confirmed": "yes"}
    for path in ("/stations/K5/commands", "/stations/K5/commands/check"):
        assert owner.ask("POST", path, data=order).status_code == 403
        foreign = {"Origin": "https://evil.example"}
        assert owner.ask("POST", path, data={**order, "csrf": owner.csrf()}, headers=foreign).status_code == 403
    auditor = browser(csms, "auditor")
    assert "do not include sending commands" in auditor.seen("/stations/K5/commands")
    assert auditor.send("/stations/K5/commands", **order).status_code == 422
    assert csms.http.get("/api/v1/commands", params={"station_id": "K5"}).json() == []


def test_messages_are_shown_newest_first_with_what_was_made_of_them(csms: Csms, owner: Browser) -> None:
    csms.enrol("F1")
    csms.token("TAG-F1")
    with dialled(csms, "F1") as socket:
        boot(socket)
        answer_to(socket, call("StatusNotification", {"connectorId": -1}))
        metered(socket, begun(socket, "TAG-F1"), 1001, 100)
    said = owner.seen("/stations/F1/frames")
    assert said.index("MeterValues") < said.index("StartTransaction") < said.index("BootNotification")
    session = str(csms.transaction("F1")["id"])
    assert f'href="/sessions/{session}"' in owner.page("/stations/F1/frames?action=MeterValues&direction=in")
    faults = owner.seen("/stations/F1/frames?faulty=1")
    assert "StatusNotification" in faults
    assert "MeterValues" not in faults
    assert "No message is like that" in owner.seen("/stations/F1/frames?text=nowhere-at-all")
    assert "may not see" in browser(csms, "support").seen("/stations/F1/frames", 403)


def test_certificates_limits_and_variables_have_pages(csms: Csms, owner: Browser) -> None:
    csms.enrol("M1")
    with dialled(csms, "M1") as socket:
        boot(socket)
        ask(
            socket,
            "SecurityEventNotification",
            {"type": "TamperDetectionActivated", "timestamp": now(), "techInfo": HOSTILE},
        )
        key = [{"key": "MeterValueSampleInterval", "readonly": False, "value": HOSTILE}]
        with answering(socket, {"configurationKey": key}):
            owner.send("/stations/M1/commands", what="any", action="GetConfiguration", payload="{}", confirmed="yes")
        profile = {
            "chargingProfileId": 1,
            "stackLevel": 0,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Relative",
            "chargingSchedule": {
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16}],
            },
        }
        payload = json.dumps({"connectorId": 0, "csChargingProfiles": profile})
        with answering(socket, {"status": "Accepted"}):
            owner.send(
                "/stations/M1/commands", what="any", action="SetChargingProfile", payload=payload, confirmed="yes"
            )
    pages = [owner.page(f"/stations/M1/{name}") for name in ("security", "device", "charging", "commands", "frames")]
    assert all("<script>alert" not in page for page in (*pages, owner.page("/stations/M1")))
    assert "TamperDetectionActivated critical" in words(pages[0])
    assert "&lt;script&gt;alert" in pages[1]
    assert "TxDefaultProfile" in words(pages[2])
    assert "16.0 A" in words(pages[2])
    assert "No limit with an end has a fallback" in words(pages[2])
    assert "Local list" not in owner.seen("/stations/M1")
    assert csms.http.put("/api/v1/stations/M1/local-list", json={"policy": "own"}).json()["stale"] is False
    assert "not sent yet, 0 tokens" in owner.seen("/stations/M1")
    assert "No variable" in owner.seen("/stations/M1/device?q=nothing-like-it")


def test_what_people_and_stations_call_themselves_is_text(csms: Csms, owner: Browser) -> None:
    at_site(csms, "H1", "EVIL", HOSTILE)
    with dialled(csms, "H1") as socket:
        boot(socket, "<script>alert(2)")
        page = owner.page(f"/network?q={HOSTILE}")
        listed = owner.page("/network?q=H1")
    assert "<script>alert" not in page + listed
    assert "<img src=x" not in page + listed
    assert "&lt;script&gt;alert(2)" in listed


def test_alarms_say_what_happened_where_and_what_to_do_newest_first(csms: Csms, owner: Browser) -> None:
    csms.enrol("A1")
    csms.token("TAG-A1")
    with dialled(csms, "A1") as socket:
        boot(socket)
        number = begun(socket, "TAG-A1")
        stop = {"transactionId": number, "meterStop": 900, "timestamp": now()}
        ask(socket, "StopTransaction", stop)
        told = {"type": "TamperDetectionActivated", "timestamp": now(), "techInfo": HOSTILE}
        ask(socket, "SecurityEventNotification", told)
    page = owner.page("/alarms?station=a1")
    said = words(page)
    assert said.index("TamperDetectionActivated") < said.index("The register ran backwards")
    assert "Look at the session, and decide in quarantine" in said
    assert f'href="/sessions/{csms.transaction("A1")["id"]}"' in page
    assert "<script>alert" not in page
    security = owner.seen("/alarms?station=A1&topic=security")
    assert "TamperDetectionActivated" in security
    assert "ran backwards" not in security
    assert "No alarm is like that" in owner.seen("/alarms?station=A1&code=chain_fork")


def told(csms: Csms, capsys: pytest.CaptureFixture[str], *given: str) -> str:
    where = ("--url", str(csms.http.base_url).rstrip("/"), "--token-file", str(csms.data / "admin-token"))
    assert run(["works", *given, *where], io.StringIO()) == 0
    return capsys.readouterr().out


def test_works_are_announced_listed_ended_and_withdrawn(
    csms: Csms, owner: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    at_site(csms, "W1", "B", "Berlin")
    times = ("--from", "2026-01-01T00:00:00Z", "--to", "2026-01-01T08:00:00Z")
    first = told(csms, capsys, "announce", "--station", "w1", *times, "--note", "new fuse")
    assert "W1" in first
    assert "new fuse" in first
    for more in ({"site": "B"}, {"everywhere": True}, {"station_ids": ["W1"]}):
        body = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T08:00:00Z", **more}
        assert csms.http.post("/api/v1/maintenance-windows", json=body).status_code == 201
        both = csms.http.post("/api/v1/maintenance-windows", json=body | {"station_id": "W1"})
        assert both.json()["code"] == "bad_window"
    assert owner.send("/works", site="B", after="0", hours="2", note=HOSTILE).status_code == 303
    assert owner.send("/works", site="NOWHERE", hours="2").status_code == 422
    page = owner.page("/works")
    assert HOSTILE not in page
    assert "site B" in words(page)
    running = csms.http.get("/api/v1/maintenance-windows").json()[-1]
    assert (running["site"], running["station_ids"], running["ended_by"]) == ("B", [], None)
    assert owner.send(f"/works/{running['id']}", do="end").status_code == 303
    assert owner.send(f"/works/{running['id']}", do="end").status_code == 409
    assert "ended early by" in owner.seen("/works")
    told(csms, capsys, "withdraw", first.split()[0])
    assert first.split()[0] not in told(csms, capsys, "list")
    assert csms.http.post(f"/api/v1/maintenance-windows/{first.split()[0]}/end").status_code == 404
    reader = browser(csms, "auditor")
    assert "Announced works" in reader.seen("/works")
    assert reader.send("/works", everywhere="yes", hours="2").status_code == 403


def test_the_log_shows_its_checkpoint_and_who_cosigned_it(csms: Csms, owner: Browser) -> None:
    page = cosigned(owner)
    published = csms.http.get("/api/v1/log/checkpoint").text
    assert published.splitlines()[0] in words(page)
    assert "WITA cosigned" in words(page)
    assert "Keys of this CPO" in page
    assert "Keys of this CPO" not in browser(csms, "finance").page("/log")


def cosigned(owner: Browser) -> str:
    deadline = time.monotonic() + COSIGNED_WITHIN_S
    while ">1 of 1<" not in (page := owner.page("/log")):
        assert time.monotonic() < deadline
    return page


def test_nobody_sees_more_than_the_roles_allow(csms: Csms) -> None:
    partner = browser(csms, "partner")
    for path in ("/network", "/stations/N1", "/stations/N1/commands", "/stations/N1/device", "/alarms", "/welcome"):
        assert "You may not see this" in partner.seen(path, 403)
    assert 'href="/network' not in partner.page("/")
    assert nobody(csms).ask("GET", "/network").headers["location"] == "/login?next=%2Fnetwork"
