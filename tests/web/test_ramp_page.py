"""What waits for the fleet's ramp: told over the API, shown on a page, taken back there."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from tests.web.office import PASSWORD, Office, office
from tests.web.test_fleet_limits import KEY, STATIONS, obeying

SLOW = "[ramp]\nfleet_kw_s = 0.1\nsite_kw_s = 0.1\n"
"""A restart of 22 kW has the line for 220 seconds."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office(tmp_path_factory.mktemp("ramp"), SLOW) as made:
        given = {"name": "Ada", "email": "ada@example.org", "password": PASSWORD, "again": PASSWORD}
        owner = made.visitor()
        assert owner.post(urlsplit(made.link or "").path, **given).status_code == 303
        made.staff = {
            "owner": owner,
            "one": made.hired("operator", name="One"),
            "aud": made.hired("auditor", name="Aud"),
        }
        for station in STATIONS:
            assert made.api("POST", "/stations", {"id": station, "password": KEY}).is_success
        yield made


def test_a_command_that_waits_is_told_until_when_shown_and_taken_back(running: Office) -> None:
    heard: dict[str, list[str]] = {station: [] for station in STATIONS}
    first, second = STATIONS
    reset = {"kind": "Immediate"}
    with obeying(running, first, heard[first]), obeying(running, second, heard[second]):
        assert running.api("POST", f"/stations/{first}/reset", reset).status_code == 200
        answer = running.api("POST", f"/stations/{second}/reset", reset)
        assert answer.status_code == 202
        told = answer.json()
        assert (told["action"], answer.headers["location"]) == ("Reset", f"/api/v1/ramp/{told['id']}")
        assert told["queued_until"].endswith("Z")
        shown = running.api("GET", f"/ramp/{told['id']}").json()
        assert (shown["state"], shown["station_id"], shown["up_w"]) == ("waiting", second, 22_000)
        assert running.api("GET", "/ramp").json()["waiting"] == 1
        page = running.staff["one"].says("/ramp")
        assert second in page
        assert "Take back" in page
        assert "Take back" not in running.staff["aud"].says("/ramp")
        assert running.staff["aud"].send(f"/ramp/{told['id']}").status_code == 403
        assert running.staff["one"].send(f"/ramp/{told['id']}").status_code == 303
        assert running.staff["one"].send(f"/ramp/{told['id']}").status_code == 409
        assert running.api("POST", f"/ramp/{told['id']}/cancel").json()["code"] == "not_waiting"
        assert "taken back" in running.staff["one"].says("/ramp")
    assert heard == {first: ["Reset"], second: []}
    assert running.api("GET", "/ramp/nothing").status_code == 404
