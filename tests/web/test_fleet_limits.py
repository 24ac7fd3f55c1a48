"""A limit for many stations: nothing is sent before a second person approves; then both stand in every record."""

import base64
import json
import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import msgspec
import pytest
from tests.web.office import PASSWORD, Office, Visitor, office
from websockets.sync.client import connect
from websockets.typing import Subprotocol

STATIONS = ("PEAK-1", "PEAK-2")
KEY = "0123456789abcdef"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office(tmp_path_factory.mktemp("fleet"), "[people]\nalone_stations = 1\n") as made:
        owner = made.visitor()
        given = {"name": "Ada", "email": "ada@example.org", "password": PASSWORD, "again": PASSWORD}
        assert owner.post(urlsplit(made.link or "").path, **given).status_code == 303
        made.staff = {
            "owner": owner,
            "one": made.hired("operator", name="One"),
            "two": made.hired("operator", name="Two"),
        }
        for station in STATIONS:
            assert made.api("POST", "/stations", {"id": station, "password": KEY}).is_success
        yield made


@contextmanager
def obeying(running: Office, station: str, heard: list[str]) -> Iterator[None]:
    """A 1.6 station that accepts whatever it is asked, and writes down what."""
    ports = msgspec.json.decode((running.data / "ports.json").read_bytes())
    secret = base64.b64encode(f"{station}:{KEY}".encode()).decode()
    dialled = connect(
        f"ws://127.0.0.1:{ports['ocpp']}/ocpp/{station}",
        subprotocols=[Subprotocol("ocpp1.6")],
        additional_headers={"Authorization": f"Basic {secret}"},
        proxy=None,
    )

    def obey() -> None:
        for frame in socket:
            kind, number, *rest = json.loads(frame)
            if kind == 2:
                heard.append(rest[0])
                socket.send(json.dumps([3, number, {"status": "Accepted"}]))

    with dialled as socket:
        listening = threading.Thread(target=obey)
        listening.start()
        yield
    listening.join(20)


def asked(running: Office, who: Visitor, amount: str = "7000", **more: str) -> str:
    """Ask for a limit over the page, and return the order's id."""
    answer = who.send("/fleet-limits", amount=amount, unit="W", text="the grid asks", **more)
    assert answer.status_code == 303, answer.text
    found: str = running.api("GET", "/fleet-limits").json()[0]["id"]
    return found


def state(running: Office, order: str) -> str:
    (found,) = [one["state"] for one in running.api("GET", "/fleet-limits").json() if one["id"] == order]
    told: str = found
    return told


def test_a_second_person_lets_it_happen_and_both_stand_in_each_command(running: Office) -> None:
    one, two = running.staff["one"], running.staff["two"]
    heard: dict[str, list[str]] = {station: [] for station in STATIONS}
    with ExitStack() as stack:
        for station in STATIONS:
            stack.enter_context(obeying(running, station, heard[station]))
        order = asked(running, one)
        assert one.send(f"/fleet-limits/{order}", do="approved", sure="yes").status_code == 409
        assert two.send(f"/fleet-limits/{order}", do="approved").status_code == 409, "without the tick"
        assert running.api("POST", f"/fleet-limits/{order}/approve").status_code == 404
        assert state(running, order) == "waiting"
        assert running.api("GET", "/commands").json() == []
        assert two.send(f"/fleet-limits/{order}", do="approved", sure="yes").status_code == 303
        rollout = running.api("GET", "/fleet-limits").json()[0]["rollout"]
        done: list[str] = []
        while done != ["done", "done"]:
            stations = running.api("GET", f"/rollouts/{rollout}").json()["stations"]
            done = [station["state"] for station in stations]
            assert "failed" not in done, stations
    assert all("SetChargingProfile" in calls for calls in heard.values())
    told = running.api("GET", "/commands").json()
    both = f"person/{one.person}, approved by person/{two.person}"
    assert [command["asked_by"] for command in told if command["action"] == "SetChargingProfile"] == [both] * 2
    page = running.staff["owner"].says("/audit")
    assert "Order for many stations : approved" in page.replace("stations:", "stations :")


def test_an_order_of_one_s_own_token_is_one_s_own(running: Office) -> None:
    owner = running.staff["owner"]
    body = {"station_ids": list(STATIONS), "limit_w": 7000, "text": "by token"}
    order = running.api("POST", "/fleet-limits", body).json()["id"]
    for token in ("approve", "approved"):
        assert running.api("POST", f"/fleet-limits/{order}/{token}").status_code == 404
    assert running.api("POST", f"/fleet-limits/{order}/withdraw").json()["state"] == "withdrawn"
    assert owner.send(f"/fleet-limits/{order}", do="approved", sure="yes").status_code == 409


def test_only_who_may_command_power_asks_and_decides(running: Office) -> None:
    order = asked(running, running.staff["one"])
    for role in ("support", "auditor"):
        person = running.hired(role, name=role)
        assert person.get("/fleet-limits").status_code == 200
        assert person.send("/fleet-limits", amount="7000", unit="W", text="x").status_code == 403
        assert person.send(f"/fleet-limits/{order}", do="approved", sure="yes").status_code == 403
        assert person.send(f"/fleet-limits/{order}", do="refused").status_code == 403
    assert running.hired("finance", name="fin").get("/fleet-limits").status_code == 403
    assert running.staff["two"].send(f"/fleet-limits/{order}", do="refused").status_code == 303
    assert state(running, order) == "refused"


def test_a_limit_that_stops_charging_takes_that_right_of_both(running: Office) -> None:
    one, owner = running.staff["one"], running.staff["owner"]
    answer = one.send("/fleet-limits", amount="0", unit="W", text="stop", below_floor="yes")
    assert answer.status_code == 422
    order = asked(running, owner, "0", below_floor="yes")
    assert one.send(f"/fleet-limits/{order}", do="approved", sure="yes").status_code == 409
    second = running.hired("owner", name="Second")
    assert second.send(f"/fleet-limits/{order}", do="approved", sure="yes").status_code == 303


def test_what_cannot_be_is_told(running: Office) -> None:
    one = running.staff["one"]
    for wrong in (
        {"amount": "much"},
        {"amount": "-1"},
        {"amount": "NaN"},
        {"amount": "7000", "hours": "0"},
        {"amount": "7000", "stations": "PEAK-1"},
        {"amount": "7000", "stations": "PEAK-1 NOBODY"},
        {"amount": "10"},
    ):
        assert one.send("/fleet-limits", **{"unit": "W", "text": "x", **wrong}).status_code == 422, wrong
    assert re.search("an order is for 2 to", one.send("/fleet-limits", amount="7000", stations="PEAK-1", text="x").text)


def test_firmware_for_many_stations_waits_for_a_second_person_as_well(running: Office) -> None:
    body = {"version": "9.9", "location": "https://firmware.example/9.9.bin", "station_ids": list(STATIONS)}
    asked_for = running.api("POST", "/firmware-campaigns", body)
    assert (asked_for.status_code, asked_for.json()["state"]) == (202, "waiting")
    order = asked_for.json()["id"]
    assert running.api("GET", "/rollouts?kind=firmware").json() == []
    assert running.api("GET", "/fleet-orders").json()[0]["id"] == order
    assert order not in {one["id"] for one in running.api("GET", "/fleet-limits").json()}
    assert running.api("POST", f"/fleet-orders/{order}/approve").status_code == 404
    page = running.staff["two"].says("/fleet-limits")
    assert "https://firmware.example/9.9.bin" in page
    assert "Signed firmware no" in page
    assert running.staff["two"].send(f"/fleet-limits/{order}", do="approved").status_code == 409, "without the tick"
    assert running.staff["two"].send(f"/fleet-limits/{order}", do="approved", sure="yes").status_code == 303
    (rollout,) = running.api("GET", "/rollouts?kind=firmware").json()
    assert rollout["by"].endswith(f", approved by person/{running.staff['two'].person}")
    assert running.api("POST", f"/rollouts/{rollout['id']}/cancel").json()["state"] == "cancelled"


def test_a_template_for_many_stations_is_shown_with_its_values_and_can_be_withdrawn(running: Office) -> None:
    wanted = {"component": "SampledDataCtrlr", "variable": "TxUpdatedInterval", "value": "30"}
    assert running.api("PUT", "/templates/often", {"variables": [wanted]}).is_success
    order = running.api("POST", "/templates/often/rollouts", {"station_ids": list(STATIONS)}).json()
    assert (order["state"], order["kind"], order["subject"]) == ("waiting", "template", "often")
    assert "SampledDataCtrlr.TxUpdatedInterval = 30" in running.staff["two"].says("/fleet-limits")
    assert running.api("PUT", "/templates/often", {"variables": [wanted | {"value": "1"}]}).is_success
    assert "another one now" in running.staff["two"].says("/fleet-limits")
    assert running.staff["two"].send(f"/fleet-limits/{order['id']}", do="approved", sure="yes").status_code == 409
    assert running.api("POST", f"/fleet-limits/{order['id']}/refuse").status_code == 404, "that takes another right"
    assert running.api("POST", f"/fleet-orders/{order['id']}/withdraw").json()["state"] == "withdrawn"
    one = running.api("POST", "/templates/often/rollouts", {"station_ids": [STATIONS[0]]})
    assert (one.status_code, one.json()["state"]) == (201, "running")
    assert running.api("POST", f"/rollouts/{one.json()['id']}/cancel").is_success
